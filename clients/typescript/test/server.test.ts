// Against a real `tasker server`, where TASKER_TEST_SERVER names one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AsyncTaskerClient, DuplicateTaskError, SchemaViolationError, TaskerClient } from "../src/index.js";
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
