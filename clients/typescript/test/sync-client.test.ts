import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { FfiLayer, TaskerClient, WaitTimeoutError } from "../src/index.js";

const TASK = "01980000-0000-7000-8000-000000000000";

/** A server in a thread of its own: this one stands still while it waits. */
async function threadServer(): Promise<{ url: string; end(): void }> {
  const thread = new Worker(fileURLToPath(new URL("./thread-server.js", import.meta.url)));
  const url = await new Promise<string>((resolve) => thread.once("message", resolve));
  return { url, end: () => void thread.terminate() };
}

test("a create is there when the call returns, without awaiting it", async () => {
  const server = await threadServer();
  const ffi = new FfiLayer({ url: server.url });
  await ffi.load();
  const client = new TaskerClient(ffi);
  const task = client.createTask({ name: "checkout", namespace: "shop", context: { id: 9007199254740993n } });
  assert.deepEqual([task.task_uuid, task.status], [TASK, "steps_in_process"]);
  assert.equal(task.context.id, 9007199254740993n);
  assert.equal(client.health().healthy, true);
  assert.throws(() => client.getStep(TASK, TASK), { name: "StepNotFoundError", status: 404 });
  assert.throws(() => client.wait(TASK, { timeoutMs: 50 }), WaitTimeoutError);
  client.close();
  server.end();
});

test("answers of any size, and calls one after the other, come to those who asked", async () => {
  const server = await threadServer();
  const client = new TaskerClient({ url: server.url });
  for (let size = 1; size <= 4_000_000; size *= 20) {
    const text = client.request("GET", "/big", { query: { size } });
    assert.equal((text as string).length, size);
  }
  client.close();
  assert.equal(client.request("GET", "/big", { query: { size: 3 } }), "xxx", "a closed client asks anew");
  client.close();
  server.end();
});

test("a server that isn't there is an error, not a hanging process", () => {
  const client = new TaskerClient({ url: "http://127.0.0.1:9", retries: 0 });
  assert.throws(() => client.listTasks(), { name: "ServerError", retryable: true });
  assert.equal(client.health().healthy, false);
  client.close();
});
