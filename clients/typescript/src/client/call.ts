import type { ClientError } from "../errors/index.js";
import { answerOf } from "../http/answers.js";
import type { LastWord, Question } from "../http/tries.js";
import type { Json } from "../json/json.js";

/** A question, and how its answer is read. */
export interface Call<R> {
  readonly question: Question;
  read(answer: Json): R;
  /** For how long to wait before it is asked. */
  readonly pauseMs?: number;
  /** Whether the error that a repeated question gets says that the first one did what was asked. */
  isDone?(error: ClientError): boolean;
}

/** Calls of which each may depend on the answer before; it returns what they come to. */
export type Calls<R> = Generator<Call<R>, R, R>;

/** What `call` comes to, once its last word is there. Throws ClientError. */
export function resultOf<R>(call: Call<R>, word: LastWord, url: string): R {
  let answer: Json;
  try {
    answer = answerOf(word, url, call.question.method);
  } catch (error) {
    if (word.tries > 1 && call.isDone?.(error as ClientError)) return call.read(null);
    throw error;
  }
  return call.read(answer);
}

/** A path with the parts in it escaped, and a query of what is given: path`/v1/tasks/${uuid}`. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

export type Query = Readonly<Record<string, string | number | boolean | undefined | null>>;

export function withQuery(base: string, query: Query): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) given.append(key, String(value));
  }
  return given.size === 0 ? base : `${base}?${given}`;
}
