import { TaskerError } from "../errors/index.js";
import type { FailureOptions } from "./result.js";

const LONGEST_BACKTRACE = 50;

/** An error as the message and the options of a failure. What isn't Tasker's own has its stack told, and may pass. */
export function failureOf(error: unknown, errorType: string): [message: string, options: FailureOptions] {
  if (error instanceof TaskerError) {
    return [
      error.message,
      {
        errorType,
        retryable: error.retryable,
        errorCode: error.code ?? undefined,
        retryAfterMs: error.retryAfterMs ?? undefined,
        metadata: error.context,
      },
    ];
  }
  if (!(error instanceof Error)) return [String(error), { errorType, retryable: true }];
  const backtrace = (error.stack ?? "").split("\n").slice(0, LONGEST_BACKTRACE);
  return [error.message || error.name, { errorType, retryable: true, backtrace }];
}
