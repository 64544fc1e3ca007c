// Against a real `tasker server`, where TASKER_TEST_SERVER names one.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AsyncTaskerClient,
  Batches,
  Decision,
  DuplicateTaskError,
  type JsonObject,
  PermanentError,
  RetryableError,
  SchemaViolationError,
  StepHandlerResult,
  stepHandler,
  TaskerClient,
  typed,
  Worker,
} from "../src/index.js";
import { newUuid } from "../src/uuid.js";

const url = process.env.TASKER_TEST_SERVER;
const skip = url === undefined && "TASKER_TEST_SERVER names no server";

const template = {
  name: "greet",
  namespace_name: "typescript",
  version: "1.0.0",
  input_schema: { type: "object", properties: { name: { type: "string" } } },
  schema_validation: "enforce",
  steps: [{ name: "hello", handler: { callable: "typescript_nobody_serves_this" } }],
};

test("a task is created, looked at, mended and cancelled", { skip }, async () => {
  const client = new AsyncTaskerClient({ url, initiator: "ann", sourceSystem: "shop" });
  await client.registerTemplate(template);
  const [line] = await client.listTemplates("typescript");
  assert.equal(line?.name, "greet");
  const context = { name: "Ånn 🎉", id: 9007199254740993n };
  const key = newUuid();
  const wish = { name: "greet", namespace: "typescript", context, idempotencyKey: key, tags: [key], priority: 3 };

  const task = await client.createTask(wish);
  assert.deepEqual([task.status, task.initiator, task.source_system], ["steps_in_process", "ann", "shop"]);
  const again = await client.createTask(wish, { onDuplicate: "return" });
  assert.equal(again.task_uuid, task.task_uuid);
  await assert.rejects(
    client.createTask(wish),
    (error) => error instanceof DuplicateTaskError && error.taskUuid === task.task_uuid && error.sameContext,
  );
  await assert.rejects(
    client.createTask({ ...wish, context: { name: 7 } }),
    (error) => error instanceof SchemaViolationError && error.violations[0]?.path.includes("name") === true,
  );
  const found = await client.getTask(task.task_uuid);
  assert.deepEqual(found.context, context);
  assert.deepEqual([found.tags, found.priority, found.idempotency_key], [[key], 3, key]);
  const listed = await client.listTasks({ tag: key, contextPath: "id", contextValue: context.id });
  assert.deepEqual([listed.tasks.length, listed.pagination.total_count], [1, 1]);

  assert.equal((await client.explain(task.task_uuid)).steps[0]?.kind, "no_worker");
  const [step] = await client.listTaskSteps(task.task_uuid);
  assert.equal(step?.name, "hello");
  assert.equal((await client.pauseTask(task.task_uuid, { reason: "wait" })).paused?.by, "client ann");
  await client.resumeTask(task.task_uuid);
  const done = await client.completeStep(task.task_uuid, step?.step_uuid ?? "", { greeting: "hello" });
  assert.deepEqual(done.results?.result, { greeting: "hello" });
  assert.equal((await client.wait(task.task_uuid)).status, "complete");
  await assert.rejects(client.cancelTask(task.task_uuid), { name: "TaskStateError", state: "complete" });
  assert.equal((await client.getStepAuditHistory(task.task_uuid, done.step_uuid)).length, 1);

  const [one, other] = await client.createTasks([
    { ...wish, idempotencyKey: newUuid() },
    { ...wish, idempotencyKey: newUuid() },
  ]);
  assert.notEqual(one?.task_uuid, other?.task_uuid);
  await client.cancelTask(one?.task_uuid ?? "", "only a test");
  assert.equal((await client.getTask(one?.task_uuid ?? "")).status, "cancelled");
  client.close();
});

test("the synchronous client has its answer without awaiting it", { skip }, () => {
  const client = new TaskerClient({ url });
  client.registerTemplate(template);
  const task = client.createTask({ name: "greet", namespace: "typescript", idempotencyKey: newUuid() });
  assert.equal(client.getTask(task.task_uuid).status, "steps_in_process");
  assert.throws(() => client.wait(task.task_uuid, { timeoutMs: 50 }), { name: "WaitTimeoutError" });
  assert.equal(client.cancelTask(task.task_uuid).cancelled, true);
  assert.equal(client.wait(task.task_uuid).status, "cancelled");
  assert.throws(() => client.createTask({ name: "nobody knows this" }), { name: "UnknownTemplateError" });
  assert.equal(client.health().healthy, true);
  client.close();
});

test("a worker runs the steps of a task, and their results come back", { skip }, async () => {
  const numbers = { id: 9007199254740993n, text: "Ånn 🎉" };
  const validate = stepHandler("ts_validate", { inputs: { id: "id", text: "text" } }, ({ id, text }) => ({ id, text }));
  const flaky = stepHandler("ts_flaky", { dependsOn: { cart: "validate" } }, ({ cart, context }) => {
    if (!context.isRetry()) throw new RetryableError("not yet", { code: "E_EARLY" });
    return { cart, attempt: context.attempt, key: context.idempotencyKey };
  });
  const pages = stepHandler("ts_pages", {}, ({ context }) => {
    const done = context.checkpointItemsProcessed + 10;
    return done < 30 ? StepHandlerResult.checkpoint(done, done, { done }) : { done };
  });
  const refused = stepHandler("ts_refused", { dependsOn: { cart: "validate" } }, async ({ context }) => {
    assert.deepEqual(await context.fetchResult("validate"), numbers);
    throw new PermanentError("never", { code: "E_NEVER" });
  });
  const client = new AsyncTaskerClient({ url });
  const retry = { max_attempts: 3, backoff: "none", backoff_base_ms: 1 };
  await client.registerTemplate({
    name: "worker",
    namespace_name: "typescript",
    version: "1.0.0",
    steps: [
      { name: "validate", handler: { callable: "ts_validate" } },
      { name: "flaky", handler: { callable: "ts_flaky" }, dependencies: ["validate"], retry },
      { name: "pages", handler: { callable: "ts_pages" }, dependencies: ["validate"] },
      { name: "refused", handler: { callable: "ts_refused" }, dependencies: ["pages"] },
    ],
  });
  const worker = await Worker.start({ url, handlers: [validate, flaky, pages, refused], namespaces: ["typescript"] });
  const task = await client.createTask({
    name: "worker",
    namespace: "typescript",
    context: numbers,
    idempotencyKey: newUuid(),
  });
  const done = await client.wait(task.task_uuid, { timeoutMs: 20_000 });
  const steps = new Map((await client.listTaskSteps(task.task_uuid)).map((step) => [step.name, step.results]));
  await worker.stop();
  assert.equal(done.status, "blocked_by_failures");
  assert.deepEqual(steps.get("validate")?.result, numbers);
  const key = `${task.task_uuid}:flaky`;
  assert.deepEqual(steps.get("flaky")?.result, { cart: numbers, attempt: 2, key });
  assert.deepEqual(steps.get("pages")?.result, { done: 30 });
  const error = steps.get("refused")?.error as JsonObject;
  assert.deepEqual([error.message, error.error_code, error.error_type], ["never", "E_NEVER", "permanent_error"]);
  assert.ok((await client.listWorkers()).every((each) => each.worker_uuid !== worker.workerId));
  client.close();
});

test("decisions choose steps, and batches make them", { skip }, async () => {
  const route = stepHandler("ts_route", { inputs: { amount: typed<number>("amount") } }, ({ amount }) =>
    amount > 9 ? Decision.route(["analyze"], { amount }) : Decision.skip("nothing to do"),
  );
  const analyze = stepHandler("ts_analyze", { inputs: { amount: typed<number>("amount") } }, ({ amount }) =>
    Batches.bySize("piece", amount, 10, { unit: "lines" }),
  );
  const piece = stepHandler("ts_piece", {}, ({ context }) => {
    const { startCursor, endCursor, batchId } = context.batch ?? assert.fail("no step of a batch");
    return { batchId, lines: Number(endCursor) - Number(startCursor) };
  });
  const total = stepHandler("ts_total", {}, ({ context }) => ({
    total: context
      .getAllDependencyResults("piece_")
      .reduce((sum: number, each) => sum + Number((each as JsonObject).lines), 0),
  }));
  const client = new AsyncTaskerClient({ url });
  await client.registerTemplate({
    name: "branches",
    namespace_name: "typescript",
    version: "1.0.0",
    steps: [
      { name: "route", type: "decision", handler: { callable: "ts_route" } },
      {
        name: "analyze",
        type: "batchable",
        handler: { callable: "ts_analyze" },
        dependencies: ["route"],
        batch_config: { worker_template: "piece" },
      },
      { name: "piece", type: "batch_worker", handler: { callable: "ts_piece" }, dependencies: ["analyze"] },
      { name: "total", type: "deferred_convergence", handler: { callable: "ts_total" }, dependencies: ["piece"] },
    ],
  });
  const worker = await Worker.start({ url, handlers: [route, analyze, piece, total], namespaces: ["typescript"] });
  const ran = async (amount: number) => {
    const wish = { name: "branches", namespace: "typescript", context: { amount }, idempotencyKey: newUuid() };
    const { task_uuid } = await client.createTask(wish);
    assert.equal((await client.wait(task_uuid, { timeoutMs: 20_000 })).status, "complete");
    return new Map((await client.listTaskSteps(task_uuid)).map((step) => [step.name, step.results?.result]));
  };
  const [many, none] = [await ran(25), await ran(5)];
  await worker.stop();
  client.close();
  assert.deepEqual([...many.keys()].sort(), ["analyze", "piece_001", "piece_002", "piece_003", "route", "total"]);
  assert.deepEqual([many.get("piece_003"), many.get("total")], [{ batchId: "003", lines: 5 }, { total: 25 }]);
  assert.deepEqual([...none.keys()], ["route"]);
});
