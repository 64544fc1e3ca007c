import { InvalidRequestError, TaskStateError, WaitTimeoutError } from "../errors/index.js";
import { isObject, type Json } from "../json/json.js";
import { asUuid } from "../uuid.js";
import { type Call, type Calls, path, type Query, withQuery } from "./call.js";
import type { HealthResponse, TaskResponse } from "./responses.js";

/** For how long one question may wait: less than the server allows, and proxies on the way to it. */
export const LONGEST_WAIT_MS = 15_000;

const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const AT_REST = new Set(["blocked_by_failures", "complete", "error", "cancelled", "resolved_manually"]);

/** The answer as the server's document describes it. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where an answer gets the type that the server promises.
export const asPromised = (answer: Json): any => answer;

export function get<R>(place: string, query: Query = {}, read: (answer: Json) => R = asPromised): Call<R> {
  return { question: { method: "GET", path: withQuery(place, query) }, read };
}

export function send<R>(method: string, place: string, body?: string, read: (answer: Json) => R = asPromised): Call<R> {
  return { question: { method, path: place, body }, read };
}

export function taskPath(taskUuid: string): string {
  return path`/v1/tasks/${asUuid(taskUuid, "taskUuid")}`;
}

export function stepPath(taskUuid: string, stepUuid: string): string {
  return `${taskPath(taskUuid)}/workflow_steps/${asUuid(stepUuid, "stepUuid")}`;
}

export function creation<R>(place: string, body: string, onDuplicate: string, read?: (answer: Json) => R): Call<R> {
  if (onDuplicate !== "raise" && onDuplicate !== "return") {
    throw new InvalidRequestError(`onDuplicate must be "raise" or "return", not "${onDuplicate}"`, {
      field: "onDuplicate",
    });
  }
  return send("POST", withQuery(place, { on_duplicate: onDuplicate === "raise" ? "refuse" : "return" }), body, read);
}

export function cancellation(taskUuid: string, reason: string, by: string): Call<{ cancelled: true }> {
  return {
    question: { method: "DELETE", path: withQuery(taskPath(taskUuid), { reason, cancelled_by: by }) },
    read: () => ({ cancelled: true }),
    isDone: (error) => error instanceof TaskStateError && error.state === "cancelled",
  };
}

export const health: Call<HealthResponse> = {
  question: { method: "GET", path: "/health/ready", once: true },
  read: (answer) => ({
    healthy: true,
    status: isObject(answer) ? String(answer.status) : "",
    timestamp: isObject(answer) ? String(answer.timestamp) : "",
  }),
};

export function unhealthy(): HealthResponse {
  return { healthy: false, status: "unhealthy", timestamp: new Date().toISOString() };
}

/** Asks until an answer is a task at rest. Throws WaitTimeoutError. */
export function* waiting(taskUuid: string, timeoutMs: number): Calls<TaskResponse> {
  const place = taskPath(taskUuid);
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 0; ; ) {
    const began = performance.now();
    const left = Math.max(0, deadline - began);
    const waitingMs = Math.round(Math.min(left, LONGEST_WAIT_MS));
    const found: TaskResponse = yield {
      question: { method: "GET", path: withQuery(place, { wait_ms: waitingMs || null }), waitingMs },
      read: asPromised,
      pauseMs: Math.min(pauseMs, left),
    };
    if (AT_REST.has(found.status)) return found;
    const now = performance.now();
    if (now >= deadline) {
      const state = `${found.status} after ${timeoutMs / 1_000} s (${found.execution_status})`;
      throw new WaitTimeoutError(`task ${found.task_uuid} is ${state}`, { code: "WAIT_TIMEOUT", retryable: true });
    }
    // A server that is about to stop doesn't wait: it isn't to be asked without a pause.
    const wasLetGo = now - began < waitingMs / 2;
    pauseMs = wasLetGo ? Math.min(Math.max(2 * pauseMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS) : 0;
  }
}
