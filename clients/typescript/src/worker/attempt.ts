import { StepContext } from "../handler/context.js";
import { failureOf } from "../handler/failures.js";
import type { HandlerRegistry } from "../handler/registry.js";
import { StepHandlerResult } from "../handler/result.js";
import type { StepHandler } from "../handler/step-handler.js";
import type { Json } from "../json/json.js";
import type { Held } from "./leases.js";
import type { Lease } from "./messages.js";

/** Reads the result of any earlier step of a lease's task. */
export type ReadResult = (lease: Lease, step: string) => Promise<Json>;

/** Runs the handler of `held` to its end, to the end of its time, or until it is cancelled; how it ended. */
export async function attempt(held: Held, handlers: HandlerRegistry, read: ReadResult): Promise<StepHandlerResult> {
  const { lease } = held;
  const Handler = handlers.lookup(lease.handler);
  if (Handler === undefined) {
    const served = handlers.names.join(", ") || "none";
    return StepHandlerResult.failure(`this worker has no handler '${lease.handler}'; it serves ${served}`, {
      errorType: "handler_not_found",
      retryable: false,
    });
  }
  const ending = call(new Handler(), lease.method, contextOf(held, read));
  return lease.timeout_ms === null ? ending : within(lease.timeout_ms, held, ending);
}

async function call(handler: StepHandler, method: string | null, context: StepContext): Promise<StepHandlerResult> {
  try {
    const named = method === null ? undefined : (handler as unknown as Record<string, unknown>)[method];
    const run = typeof named === "function" ? (named as StepHandler["call"]) : handler.call;
    const returned: unknown = await run.call(handler, context);
    if (returned instanceof StepHandlerResult) return returned;
    const told = `the handler returned ${typeof returned}; call() must return this.success(...) or this.failure(...)`;
    return StepHandlerResult.failure(told, { retryable: false });
  } catch (error) {
    return StepHandlerResult.failure(...failureOf(error, error instanceof Error ? error.name : "handler_error"));
  }
}

/** An attempt is over with its time, whatever its handler does. */
async function within(timeoutMs: number, held: Held, ending: Promise<StepHandlerResult>): Promise<StepHandlerResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<StepHandlerResult>((resolve) => {
    timer = setTimeout(() => {
      const told = `the handler took longer than ${timeoutMs / 1_000} s`;
      resolve(StepHandlerResult.failure(told, { errorType: "timeout", retryable: true }));
      held.cancel(told);
    }, timeoutMs);
  });
  try {
    return await Promise.race([ending, late]);
  } finally {
    clearTimeout(timer);
  }
}

function contextOf(held: Held, read: ReadResult): StepContext {
  const { lease } = held;
  const fields = {
    taskUuid: lease.task_uuid,
    stepUuid: lease.step_uuid,
    correlationId: lease.correlation_id,
    namespace: lease.namespace,
    taskName: lease.template.name,
    templateVersion: lease.template.version,
    stepName: lease.step,
    handlerName: lease.handler,
    attempt: lease.attempt,
    maxAttempts: lease.max_attempts,
    inputData: lease.context,
    dependencyResults: lease.dependency_results,
    stepConfig: lease.step_config ?? {},
    stepInputs: lease.inputs ?? {},
    checkpoint: lease.checkpoint,
    idempotencyKey: lease.idempotency_key,
    fence: lease.fence,
    traceparent: lease.traceparent,
    deadline: lease.timeout_ms === null ? null : new Date(Date.now() + lease.timeout_ms),
    signal: held.signal,
  };
  return new StepContext(fields, (step) => read(lease, step));
}
