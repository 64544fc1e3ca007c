import type { JsonObject } from "../json/json.js";
import { writeJson } from "../json/write.js";
import { asUuid, newUuid } from "../uuid.js";
import { type Call, path } from "./call.js";
import type { NamespaceResponse, StepResponse, TaskResponse } from "./responses.js";
import { send, stepPath, taskPath } from "./task-calls.js";
import type { Origin } from "./wishes.js";

/** A value itself, or a promise of it. */
export type Answer<Kind extends "value" | "promise", R> = Kind extends "promise" ? Promise<R> : R;

/** Why something is done and who does it (else the client's initiator), for the audit. */
export interface Word {
  reason?: string | undefined;
  by?: string | undefined;
}

/**
 * What a client says as an operator. Each word carries an id of its own: repeated, because its answer was lost, it is
 * done once. They throw TaskNotFoundError, StepNotFoundError, and TaskStateError where the state doesn't allow it.
 */
export abstract class Operating<Kind extends "value" | "promise"> {
  protected abstract readonly origin: Origin;
  protected abstract ask<R>(call: Call<R>): Answer<Kind, R>;

  /** Has all failed steps of a task run again, each from its first attempt. */
  retryTask(taskUuid: string, word: Word = {}): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "retry_failed", word);
  }

  /** Has a step and everything after it run again, from scratch; `context` is what the task works on from now on. */
  restartTask(
    taskUuid: string,
    fromStep: string,
    { context, ...word }: Word & { context?: object } = {},
  ): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "restart", word, { from_step: fromStep, context });
  }

  /** Ends a task of which a step has failed as `error`. */
  giveUpTask(taskUuid: string, word: Word = {}): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "give_up", word);
  }

  /** Ends a task as `resolved_manually`: whatever it was for has been done otherwise. */
  resolveTask(taskUuid: string, word: Word = {}): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "resolve_manually", word);
  }

  /** Has the compensations of a task's completed steps run; then it ends as `error`. */
  undoTask(taskUuid: string, word: Word = {}): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "undo", word);
  }

  /** Holds a task: none of its steps begins until it is resumed. */
  pauseTask(taskUuid: string, word: Word = {}): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "pause", word);
  }

  /** Lets a paused task go on. */
  resumeTask(taskUuid: string, word: Word = {}): Answer<Kind, TaskResponse> {
    return this.onTask(taskUuid, "resume", word);
  }

  /** Has a failed step run again, with all its attempts. */
  resetStep(taskUuid: string, stepUuid: string, word: Word = {}): Answer<Kind, StepResponse> {
    return this.onStep(taskUuid, stepUuid, "reset_for_retry", "reset_by", word);
  }

  /** Lets what waits for a step go on without its result. */
  resolveStep(taskUuid: string, stepUuid: string, word: Word = {}): Answer<Kind, StepResponse> {
    return this.onStep(taskUuid, stepUuid, "resolve_manually", "resolved_by", word);
  }

  /** Completes a step with `result`, which the steps that depend on it read. */
  completeStep(
    taskUuid: string,
    stepUuid: string,
    result: unknown,
    { metadata = {}, ...word }: Word & { metadata?: object } = {},
  ): Answer<Kind, StepResponse> {
    const data = { completion_data: { result, metadata } };
    return this.onStep(taskUuid, stepUuid, "complete_manually", "completed_by", word, data);
  }

  /** Holds a whole namespace: once this is answered, no step of it begins until it is resumed. */
  pauseNamespace(namespace: string, word: Word = {}): Answer<Kind, NamespaceResponse> {
    return this.act("PATCH", path`/v1/namespaces/${namespace}`, word, { action_type: "pause" });
  }

  /** Lets a paused namespace go on. */
  resumeNamespace(namespace: string, word: Word = {}): Answer<Kind, NamespaceResponse> {
    return this.act("PATCH", path`/v1/namespaces/${namespace}`, word, { action_type: "resume" });
  }

  /** Has a worker finish what it runs and take no more. */
  drainWorker(workerUuid: string, word: Word = {}): Answer<Kind, JsonObject> {
    return this.act("POST", path`/v1/workers/${asUuid(workerUuid, "workerUuid")}/drain`, word, {});
  }

  private onTask(taskUuid: string, kind: string, word: Word, data: object = {}): Answer<Kind, TaskResponse> {
    return this.act("PATCH", taskPath(taskUuid), word, { action_type: kind, ...data });
  }

  private onStep(taskUuid: string, stepUuid: string, kind: string, byKey: string, word: Word, data: object = {}) {
    const place = stepPath(taskUuid, stepUuid);
    return this.act<StepResponse>("PATCH", place, word, { action_type: kind, ...data }, byKey);
  }

  private act<R>(method: string, place: string, word: Word, data: object, byKey = "by"): Answer<Kind, R> {
    const who = word.by ?? this.origin.initiator;
    const body = { ...data, reason: word.reason ?? "", [byKey]: who, action_id: newUuid() };
    return this.ask(send<R>(method, place, writeJson(body, "request")));
  }
}
