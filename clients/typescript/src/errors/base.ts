/** What an error may be told besides its message. */
export interface TaskerErrorOptions {
  /** A word for programs, which stays as it is: `card_declined`. */
  code?: string | undefined;
  /** Whether the same may succeed later. */
  retryable?: boolean | undefined;
  /** Milliseconds to wait before that. */
  retryAfterMs?: number | undefined;
  /** What else is worth keeping: it stands beside the error in the store, for people. */
  context?: Readonly<Record<string, unknown>> | undefined;
  cause?: unknown;
}

/** The base of every error of this package. */
export class TaskerError extends Error {
  readonly code: string | null;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(message: string, options: TaskerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code ?? null;
    this.retryable = options.retryable ?? true;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.context = options.context ?? {};
  }
}
