import { TaskerError, type TaskerErrorOptions } from "./base.js";

/** What an error of a client knows besides its message. */
export interface ClientErrorOptions extends TaskerErrorOptions {
  /** The status of the answer, if there was one. */
  status?: number | undefined;
  /** The argument or the part of the request that is meant. */
  field?: string | undefined;
  /** What the server adds, as `docs/reference/rest.md` lists it. */
  details?: Readonly<Record<string, unknown>> | undefined;
}

/** A call of a client that came to nothing. `code` is the server's. */
export class ClientError extends TaskerError {
  readonly status: number | null;
  readonly field: string | null;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, options: ClientErrorOptions = {}) {
    super(message, { retryable: false, ...options });
    this.status = options.status ?? null;
    this.field = options.field ?? null;
    this.details = options.details ?? {};
  }
}

/** A malformed argument; `field` says which. */
export class InvalidRequestError extends ClientError {}
/** A context or result that isn't JSON, or is nested too deeply. */
export class PayloadError extends InvalidRequestError {}
/** A context or result that is too large. */
export class PayloadTooLargeError extends PayloadError {}
/** Settings that can't be used, with their place. */
export class SettingsError extends InvalidRequestError {}
/** A template that can't be used, or that is registered with other content. */
export class TemplateError extends ClientError {}
/** No such template is registered. */
export class UnknownTemplateError extends ClientError {}
export class TaskNotFoundError extends ClientError {}
export class StepNotFoundError extends ClientError {}
export class NamespaceNotFoundError extends ClientError {}
export class WorkerNotFoundError extends ClientError {}
/** There is nothing of this kind at the path that was asked. */
export class MissingError extends ClientError {}
/** The server doesn't accept who asks. */
export class CredentialsError extends ClientError {}
/** The server doesn't permit it to who asks. */
export class NotPermittedError extends ClientError {}

/** This task exists: `taskUuid` is it. */
export class DuplicateTaskError extends ClientError {
  get taskUuid(): string {
    return String(this.details.task_uuid);
  }

  /** Whether it has the context that was asked for. */
  get sameContext(): boolean {
    return this.details.same_context !== false;
  }
}

/** The state of the task, step or namespace doesn't allow it; `state` is the one that it has. */
export class TaskStateError extends ClientError {
  get state(): string | null {
    const state = this.details.state;
    return typeof state === "string" ? state : null;
  }
}

/** A context that doesn't fit the template's enforced `input_schema`. */
export class SchemaViolationError extends InvalidRequestError {
  /** What doesn't fit, and where. */
  get violations(): readonly { path: string; message: string }[] {
    return (this.details.violations ?? []) as { path: string; message: string }[];
  }
}

/** The server can't be reached or can't do its work; `retryable` says whether that may pass. */
export class ServerError extends ClientError {}
/** The server takes no new tasks for a while, since too much waits: `retryAfterMs` says for how long. */
export class ServerOverloadedError extends ServerError {}

/** The task isn't at rest yet, and the time for waiting is over. */
export class WaitTimeoutError extends ClientError {}
