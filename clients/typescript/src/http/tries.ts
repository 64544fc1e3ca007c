import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Exchange, isReply, type Outcome, type Request } from "./exchange.js";
import type { ConnectionSettings } from "./settings.js";

/** Statuses of answers that say: not now. */
export const ONCE_MORE: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

const FIRST_PAUSE_MS = 200;
const GROWTH = 3;
const LONGEST_PAUSE_MS = 5_000;

/** A request that is asked again where asking failed. */
export interface Question extends Request {
  /** For how long the answer may be held back, since something is waited for. */
  readonly waitingMs?: number | undefined;
  /** A failure is an answer, too: it is asked once. */
  readonly once?: boolean | undefined;
}

/** What came last of the tries of a question. */
export interface LastWord {
  readonly outcome: Outcome;
  readonly tries: number;
  readonly tookMs: number;
}

/**
 * Asks, and asks again: later and later, at most `retries` times and within `timeoutMs`. A `Retry-After` is heeded.
 *
 * Whatever this package asks may be asked again. Never rejects.
 */
export async function lastWord(
  exchange: Exchange,
  settings: ConnectionSettings,
  question: Question,
): Promise<LastWord> {
  const began = performance.now();
  const deadline = began + settings.timeoutMs + (question.waitingMs ?? 0);
  const retries = question.once ? 0 : settings.retries;
  const headers = { "X-Request-ID": randomUUID(), ...question.headers };
  for (let tries = 1; ; tries++) {
    const timeoutMs = Math.max(1, deadline - performance.now());
    const outcome = await exchange.ask({ ...question, headers }, { timeoutMs });
    const pause = pauseAfter(outcome, tries);
    const now = performance.now();
    if (pause === null || tries > retries || now + pause >= deadline) {
      return { outcome, tries, tookMs: now - began };
    }
    await sleep(pause);
  }
}

/** How many milliseconds to wait after this try; null after a word that won't change. */
function pauseAfter(outcome: Outcome, tries: number): number | null {
  if (isReply(outcome) && !ONCE_MORE.has(outcome.status)) return null;
  const longest = Math.min(FIRST_PAUSE_MS * GROWTH ** (tries - 1), LONGEST_PAUSE_MS);
  return Math.max(longest * (0.5 + Math.random() / 2), isReply(outcome) ? retryAfterMs(outcome.headers) : 0);
}

/** The milliseconds that an answer asks to wait. */
export function retryAfterMs(headers: Readonly<Record<string, string | string[] | undefined>>): number {
  const said = headers["retry-after"];
  return typeof said === "string" && /^\d+$/.test(said) ? 1_000 * Number(said) : 0;
}
