// The worker that the conformance cases are played against; protocol/README.md says what each handler does.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Json,
  type JsonObject,
  PermanentError,
  RetryableError,
  type StepContext,
  StepHandler,
  StepHandlerResult,
  stepHandler,
  typed,
  Worker,
} from "../src/index.js";

const LOOKS_EVERY_MS = 10;

function tell(line: string): void {
  const file = process.env.TASKER_CONFORMANCE_EFFECTS;
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

function whole(value: Json | undefined, otherwise = 0): number {
  return Number(value ?? otherwise);
}

class Echo extends StepHandler {
  static override readonly handlerName = "conformance.echo";

  call(context: StepContext): StepHandlerResult {
    const dependencies: JsonObject = {};
    for (const name of context.getDependencyResultKeys()) dependencies[name] = context.getDependencyResult(name);
    return this.success({
      context: context.inputData,
      config: context.stepConfig,
      dependencies,
      attempt: context.attempt,
      key: context.idempotencyKey,
    });
  }
}

const numbers = stepHandler("conformance.numbers", { inputs: { n: typed<number | bigint>("n") } }, ({ n }) => ({
  n,
  next: BigInt(n) + 1n,
}));

const big = stepHandler("conformance.big", { inputs: { bytes: "bytes" } }, ({ bytes }) => ({
  blob: "x".repeat(whole(bytes)),
}));

const retryable = stepHandler("conformance.retryable", { inputs: { after: "retry_after_ms" } }, ({ after }) => {
  throw new RetryableError("try again", after === null ? {} : { retryAfterMs: whole(after) });
});

const permanent = stepHandler("conformance.permanent", {}, () => {
  throw new PermanentError("never", { code: "E_NEVER" });
});

const crash = stepHandler("conformance.crash", {}, () => {
  throw new Error("boom");
});

const slow = stepHandler("conformance.sleep", { inputs: { ms: "ms" } }, async ({ ms, context }) => {
  const until = performance.now() + whole(ms);
  for (let left = whole(ms); left > 0; left = until - performance.now()) {
    if (context.cancelled) {
      tell(`cancelled ${context.idempotencyKey}`);
      return { slept: -1 };
    }
    await sleep(Math.min(left, LOOKS_EVERY_MS));
  }
  return { slept: ms };
});

const effect = stepHandler("conformance.effect", { inputs: { ms: "ms" } }, async ({ ms, context }) => {
  tell(`${context.idempotencyKey} ${context.attempt}`);
  await sleep(whole(ms));
  return { done: true };
});

const count = stepHandler("conformance.count", { inputs: { total: "total", page: "page" } }, (given) => {
  const [total, { context }] = [whole(given.total), given];
  const reached = Math.min(whole(context.checkpointCursor) + whole(given.page), total);
  const pages = whole((context.accumulatedResults as { pages: number } | null)?.pages) + 1;
  return reached < total ? StepHandlerResult.checkpoint(reached, reached, { pages }) : { counted: total, pages };
});

await Worker.run({
  handlers: [Echo, numbers, big, retryable, permanent, crash, slow, effect, count],
  namespaces: ["conformance"],
  slots: whole(process.env.TASKER_CONFORMANCE_SLOTS, 2),
});
