import { setTimeout as sleep } from "node:timers/promises";
import { type ClientError, ServerError } from "../errors/index.js";
import { errorOf } from "../http/answers.js";
import { Exchange, isReply, type Outcome, type Reply } from "../http/exchange.js";
import type { ConnectionSettings } from "../http/settings.js";
import { retryAfterMs } from "../http/tries.js";
import type { Json } from "../json/json.js";
import { readJson } from "../json/read.js";
import type { Log } from "./log.js";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 15_000;
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** The server has given the worker up, or never knew it: it must register again. */
export class WorkerUnknown extends Error {}

/** The server refuses the request, and will refuse it again. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly error: ClientError,
  ) {
    super(error.message);
  }

  /** The credentials don't let this be a worker. */
  get isAboutCredentials(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** How a request is asked. */
export interface Asking {
  /** For how long the server may hold the answer back. */
  readonly waitingMs?: number;
  /** For how long a single request may go without its answer; else as long as the settings say. */
  readonly timeoutMs?: number;
  /** Gives the request up; it rejects then with what the signal says. */
  readonly signal?: AbortSignal | undefined;
}

/** The way to the server: each request is sent again until it is answered for good. */
export class Link {
  private readonly exchange: Exchange;
  private readonly url: string;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly log: Log,
  ) {
    this.exchange = new Exchange(settings);
    this.url = settings.url;
  }

  /**
   * The answer to `body`, null for one that has none. Whatever fails on the way, or may pass, is asked again after a pause
   * that grows. Throws WorkerUnknown, Refused, and what `signal` says.
   */
  async ask(method: string, path: string, body: string | undefined, asking: Asking = {}): Promise<Json> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.once(method, path, body, asking);
      asking.signal?.throwIfAborted();
      const pause = pauseAfter(outcome, tries);
      if (pause === null) return this.answer(outcome as Reply);
      if (tries === 3) this.log("warn", `${this.url} can't be asked`, { path, why: whyOf(outcome) });
      await sleep(pause, undefined, { signal: asking.signal });
    }
  }

  /** The same, asked a single time. Throws ServerError for what may pass. */
  async askOnce(method: string, path: string, body: string, asking: Asking = {}): Promise<Json> {
    const outcome = await this.once(method, path, body, asking);
    asking.signal?.throwIfAborted();
    if (pauseAfter(outcome, 1) === null) return this.answer(outcome as Reply);
    const wait = isReply(outcome) ? retryAfterMs(outcome.headers) : 0;
    throw new ServerError(whyOf(outcome), { retryable: true, retryAfterMs: wait || undefined });
  }

  close(): void {
    this.exchange.close();
  }

  private once(method: string, path: string, body: string | undefined, asking: Asking): Promise<Outcome> {
    const timeoutMs = (asking.timeoutMs ?? this.settings.timeoutMs) + (asking.waitingMs ?? 0);
    const request = { method, path, body, headers: { "Tasker-Protocol": "1" } };
    return this.exchange.ask(request, { timeoutMs, signal: asking.signal });
  }

  private answer(reply: Reply): Json {
    if (reply.status >= 200 && reply.status < 300) return reply.text === "" ? null : readJson(reply.text);
    const error = errorOf(reply, this.url);
    if (error.code === "WORKER_UNKNOWN") throw new WorkerUnknown(error.message);
    throw new Refused(reply.status, error);
  }
}

/** How many milliseconds to wait before the same request; null for an answer that is final. */
function pauseAfter(outcome: Outcome, tries: number): number | null {
  if (isReply(outcome)) {
    if (!PASSING.has(outcome.status)) return null;
    const wish = retryAfterMs(outcome.headers);
    if (wish > 0) return wish;
  }
  return growingPause(tries);
}

/** How many milliseconds to wait after so many failures in a row: later and later, and by chance. */
export function growingPause(failures: number): number {
  return Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}

function whyOf(outcome: Outcome): string {
  return isReply(outcome) ? `answered ${outcome.status}` : outcome.why;
}
