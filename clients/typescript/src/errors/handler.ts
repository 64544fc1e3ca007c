import { TaskerError, type TaskerErrorOptions } from "./base.js";

/** What a handler's error may be told; whether it is retryable, its class says. */
export type HandlerErrorOptions = Omit<TaskerErrorOptions, "retryable">;

/**
 * Trying again may help: the step runs again, while it has attempts left.
 *
 * @example
 * throw new RetryableError("the warehouse doesn't answer", { code: "warehouse_down", retryAfterMs: 5_000 });
 */
export class RetryableError extends TaskerError {
  constructor(message: string, options: HandlerErrorOptions = {}) {
    super(message, { ...options, retryable: true });
  }
}

/**
 * Trying again won't help: the step ends at once.
 *
 * @example
 * throw new PermanentError("card declined", { code: "card_declined" });
 */
export class PermanentError extends TaskerError {
  constructor(message: string, options: HandlerErrorOptions = {}) {
    super(message, { ...options, retryable: false });
  }
}

export class TimeoutError extends RetryableError {}
export class NetworkError extends RetryableError {}
export class RateLimitError extends RetryableError {}
export class ServiceUnavailableError extends RetryableError {}
export class ResourceContentionError extends RetryableError {}

export class ValidationError extends PermanentError {}
export class NotFoundError extends PermanentError {}
export class AuthenticationError extends PermanentError {}
export class AuthorizationError extends PermanentError {}
export class ConfigurationError extends PermanentError {}
export class BusinessLogicError extends PermanentError {}

/** The task was cancelled, the lease lost or the time is up: `context.heartbeat()` says so to a handler that asks. */
export class StepCancelledError extends TaskerError {}

/** A handler that is declared so that it can't work; raised where it is declared. */
export class HandlerDeclarationError extends TaskerError {
  constructor(message: string) {
    super(message, { retryable: false });
  }
}
