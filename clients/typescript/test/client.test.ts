import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { AsyncTaskerClient, type ClientOptions, DuplicateTaskError, ServerError } from "../src/index.js";
import { type Script, scriptedServer } from "./scripted-server.js";

const TASK = "01980000-0000-7000-8000-000000000000";

async function asked(test: TestContext, script: Script, options: ClientOptions = {}) {
  const server = await scriptedServer(test, script);
  const client = new AsyncTaskerClient({ url: server.url, ...options });
  test.after(() => client.close());
  return { server, client };
}

test("a wish goes out under the server's names", async (t) => {
  const { server, client } = await asked(t, () => ({ status: 201, body: { task_uuid: TASK } }), { initiator: "web" });
  const task = await client.createTask(
    {
      name: "checkout",
      namespace: "shop",
      version: "1.0.0",
      context: { id: 9007199254740993n },
      sourceSystem: "shop",
      reason: "an order",
      tags: ["vip"],
      priority: 7,
      idempotencyKey: "order-7",
      correlationId: TASK,
      parentCorrelationId: TASK,
    },
    { onDuplicate: "return" },
  );
  assert.equal(task.task_uuid, TASK);
  const [request] = server.requests;
  assert.equal(request?.query.get("on_duplicate"), "return");
  assert.match(String(request?.body.task_uuid), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
  delete request?.body.task_uuid;
  assert.deepEqual(request?.body, {
    name: "checkout",
    namespace: "shop",
    version: "1.0.0",
    initiator: "web",
    source_system: "shop",
    reason: "an order",
    tags: ["vip"],
    priority: 7,
    idempotency_key: "order-7",
    correlation_id: TASK,
    parent_correlation_id: TASK,
    context: { id: 9007199254740993n },
  });
});

test("a create whose answer was lost is sent again as it was", async (t) => {
  const { server, client } = await asked(t, (_, nth) =>
    nth === 1 ? "hang up" : { status: 200, body: { task_uuid: TASK } },
  );
  await client.createTask({ name: "checkout" });
  const [first, second] = server.requests;
  assert.deepEqual(second?.body, first?.body);
  assert.equal(second?.headers["x-request-id"], first?.headers["x-request-id"]);
});

test("an answer that says not now is asked again, and no other", async (t) => {
  const { server, client } = await asked(t, (_, nth) =>
    nth < 3 ? { status: 503, body: { error: { code: "BACKPRESSURE", message: "busy" } } } : { status: 200, body: [] },
  );
  assert.deepEqual(await client.listWorkers(), []);
  assert.equal(server.requests.length, 3);

  const broken = await asked(t, () => ({ status: 500, body: { error: { code: "INTERNAL_ERROR", message: "oops" } } }));
  await assert.rejects(broken.client.listWorkers(), (error: ServerError) => error.status === 500 && !error.retryable);
  assert.equal(broken.server.requests.length, 1);
});

test("repetitions end with the number of retries, and the error says what was tried", async (t) => {
  const { server, client } = await asked(t, () => "hang up", { retries: 1 });
  await assert.rejects(client.cancelTask(TASK), (error: ServerError) => {
    return error instanceof ServerError && error.retryable && /tried 2 times.*may have been done/.test(error.message);
  });
  assert.equal(server.requests.length, 2);
});

test("Retry-After is heeded", async (t) => {
  const headers = { "Retry-After": "60" };
  const body = { error: { code: "BACKPRESSURE", message: "later", details: { retry_after_seconds: 60 } } };
  const { server, client } = await asked(t, () => ({ status: 503, headers, body }), { timeoutMs: 5_000 });
  await assert.rejects(client.createTask({ name: "checkout" }), (error: ServerError) => error.retryAfterMs === 60_000);
  assert.equal(server.requests.length, 1, "a minute is more than the call may take");
});

test("an error has the server's code, its status and its field", async (t) => {
  const details = { task_uuid: TASK, same_context: false };
  const { client } = await asked(t, ({ method }) =>
    method === "POST"
      ? { status: 409, body: { error: { code: "CONFLICT", message: "exists", details } } }
      : { status: 400, body: { error: { code: "BAD_REQUEST", message: "limit is too large", field: "limit" } } },
  );
  await assert.rejects(client.createTask({ name: "checkout" }), (error: DuplicateTaskError) => {
    return error instanceof DuplicateTaskError && error.taskUuid === TASK && !error.sameContext;
  });
  await assert.rejects(client.listTasks({ limit: 5_000 }), {
    name: "InvalidRequestError",
    code: "BAD_REQUEST",
    status: 400,
    field: "limit",
  });
});

test("an answer of no server of Tasker is told as such", async (t) => {
  const { client } = await asked(t, () => ({ status: 302, headers: { Location: "https://login" } }));
  await assert.rejects(client.listWorkers(), /leads on to https:\/\/login, which isn't followed/);
});

test("a cancel that is repeated finds its task cancelled, and that is well", async (t) => {
  const gone = { error: { code: "INVALID_STATE", message: "final", details: { state: "cancelled" } } };
  const { client } = await asked(t, (_, nth) => (nth === 1 ? "hang up" : { status: 400, body: gone }));
  assert.deepEqual(await client.cancelTask(TASK), { cancelled: true });
  await assert.rejects(client.cancelTask(TASK), { name: "TaskStateError", state: "cancelled" });
});

test("wait asks until the task is at rest", async (t) => {
  const { server, client } = await asked(t, (_, nth) => {
    const status = nth < 3 ? "steps_in_process" : "blocked_by_failures";
    return { status: 200, body: { task_uuid: TASK, status, execution_status: "processing" } };
  });
  assert.equal((await client.wait(TASK)).status, "blocked_by_failures");
  assert.equal(server.requests[0]?.query.get("wait_ms"), "15000");
});

test("wait ends with its time", async (t) => {
  const body = { task_uuid: TASK, status: "steps_in_process", execution_status: "processing" };
  const { client } = await asked(t, () => ({ status: 200, body }));
  await assert.rejects(client.wait(TASK, { timeoutMs: 100 }), /is steps_in_process after 0.1 s \(processing\)/);
});

test("a UUID that is none isn't asked for", async (t) => {
  const { server, client } = await asked(t, () => ({ status: 200 }));
  await assert.rejects(async () => client.getTask("7/../../health"), {
    name: "InvalidRequestError",
    field: "taskUuid",
  });
  assert.equal(server.requests.length, 0);
});

test("an operator's word names who and why, and carries an id that makes its repetition harmless", async (t) => {
  const { server, client } = await asked(t, (_, nth) => (nth === 1 ? "hang up" : { status: 200, body: {} }));
  await client.restartTask(TASK, "charge", { reason: "the gateway is back", by: "ann", context: { a: 1 } });
  const [first, second] = server.requests;
  assert.deepEqual(second?.body, first?.body);
  const { action_id, ...said } = first?.body ?? {};
  assert.match(String(action_id), /^[0-9a-f-]{36}$/);
  assert.deepEqual(said, {
    action_type: "restart",
    from_step: "charge",
    context: { a: 1 },
    reason: "the gateway is back",
    by: "ann",
  });
});
