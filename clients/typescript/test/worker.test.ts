// What the conformance cases can't see, or not see at once; protocol/cases are the rest.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import { type Json, type JsonObject, stepHandler, Worker, type WorkerOptions } from "../src/index.js";
import { type Arrived, type Said, type ScriptedServer, scriptedServer } from "./scripted-server.js";

const TERMS = {
  worker_id: "w",
  lease_ms: 5_000,
  heartbeat_ms: 50,
  max_wait_ms: 1_000,
  max_claim: 200,
  max_reports: 200,
  max_payload_bytes: 1_000,
};

function lease(id: string, fields: JsonObject = {}): JsonObject {
  return {
    lease_id: id,
    token: `token of ${id}`,
    fence: 1,
    timeout_ms: null,
    task_uuid: "t",
    step_uuid: "s",
    namespace: "shop",
    template: { name: "order", version: "1.0.0" },
    step: "step",
    handler: "nap",
    method: null,
    attempt: 1,
    max_attempts: 3,
    context: { ms: 0 },
    dependency_results: {},
    step_config: {},
    inputs: null,
    checkpoint: null,
    idempotency_key: `t:${id}`,
    correlation_id: "c",
    traceparent: null,
    ...fields,
  };
}

/** A server that gives what lies ready, to polls and to claims in reports, and is otherwise content. */
class Desk {
  readonly ready: JsonObject[] = [];
  readonly reports: JsonObject[] = [];
  readonly claims: { by: string; max: number }[] = [];

  answer = async (request: Arrived): Promise<Said> => {
    const [, , , kind] = request.path.split("/").slice(1);
    if (request.path === "/v1/workers") return { status: 201, body: TERMS };
    if (request.method === "DELETE") return { status: 200, body: { released: 0 } };
    if (kind === "heartbeat") return { status: 200, body: { leases: [], directive: "run", lease_ms: TERMS.lease_ms } };
    if (kind === "claims") return this.poll(request.body);
    return this.take(request.body);
  };

  private async poll(body: JsonObject): Promise<Said> {
    this.claims.push({ by: "poll", max: Number(body.max) });
    for (let waited = 0; waited < 200 && this.ready.length === 0; waited += 5) await sleep(5);
    const leases = this.ready.splice(0, Number(body.max));
    return leases.length > 0 ? { status: 200, body: { leases, more: false, directive: "run" } } : { status: 204 };
  }

  private take(body: JsonObject): Said {
    const reports = body.reports as JsonObject[];
    this.reports.push(...reports);
    const results = reports.map(({ lease_id }) => ({ lease_id, status: 200, replayed: false }));
    const claim = body.claim as { max: number } | undefined;
    if (claim) this.claims.push({ by: "reports", max: claim.max });
    const leases = this.ready.splice(0, claim?.max ?? 0);
    return { status: 200, body: { results, leases, more: false, directive: "run" } };
  }
}

let napping = 0;
let mostNapping = 0;
const nap = stepHandler("nap", { inputs: { ms: "ms" } }, async ({ ms, context }) => {
  mostNapping = Math.max(mostNapping, ++napping);
  await sleep(Number(ms), undefined, { signal: context.signal }).catch(() => {});
  napping--;
  return { cancelled: context.cancelled };
});

async function atWork(t: TestContext, options: Partial<WorkerOptions> = {}) {
  const desk = new Desk();
  const server: ScriptedServer = await scriptedServer(t, desk.answer);
  const worker = await Worker.start({ url: server.url, handlers: [nap], slots: 3, log: () => {}, ...options });
  server.before(() => worker.stop());
  return { desk, server, worker };
}

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    assert.ok(waited < 5_000, "it doesn't come");
    await sleep(5);
  }
}

test("it registers what it serves, and says who it is", async (t) => {
  const pay = stepHandler("pay", { dependsOn: { cart: "validate" }, namespace: "shop" }, () => ({}));
  const { server } = await atWork(t, { handlers: [nap, pay], namespaces: ["shop"], name: "ts-1", apiKey: "key" });
  const { instance_id, ...said } = server.requests[0]?.body ?? {};
  assert.match(String(instance_id), /^[0-9a-f-]{36}$/);
  assert.deepEqual(said, {
    name: "ts-1",
    language: "typescript",
    sdk_version: "0.1.0",
    namespaces: ["shop"],
    slots: 3,
    handlers: [{ callable: "nap" }, { callable: "pay", namespace: "shop", dependencies: ["validate"] }],
  });
  assert.deepEqual(server.requests[0]?.headers["tasker-protocol"], "1");
  assert.deepEqual(server.requests[0]?.headers["x-api-key"], "key");
});

test("it never runs more at once than it has slots, whichever way steps are claimed", async (t) => {
  mostNapping = 0;
  const { desk } = await atWork(t);
  for (let n = 0; n < 40; n++) desk.ready.push(lease(`l${n}`, { context: { ms: n % 4 } }));
  await until(() => desk.reports.length === 40);
  assert.equal(new Set(desk.reports.map((report) => report.lease_id)).size, 40);
  assert.equal(mostNapping, 3);
});

test("a report claims the next step for the slot that it frees", async (t) => {
  const { desk } = await atWork(t, { slots: 1 });
  for (let n = 0; n < 5; n++) desk.ready.push(lease(`l${n}`));
  await until(() => desk.reports.length === 5);
  const polls = desk.claims.filter(({ by }) => by === "poll").length;
  assert.ok(polls <= 3, `${polls} polls for five steps: the first, and those after the last`);
  assert.ok(desk.claims.every(({ max }) => max === 1));
});

test("a lease that is repeated in an answer is run once", async (t) => {
  mostNapping = 0;
  const { desk } = await atWork(t);
  desk.ready.push(lease("same", { context: { ms: 60 } }));
  await until(() => napping === 1);
  desk.ready.push(lease("same", { context: { ms: 60 } }));
  await until(() => desk.reports.length === 1);
  await sleep(100);
  assert.deepEqual([desk.reports.length, mostNapping], [1, 1]);
});

test("a result that can't be kept fails its step for good, by its place", async (t) => {
  const large = stepHandler("large", {}, () => ({ blob: "ä".repeat(600) }));
  const odd = stepHandler("odd", {}, () => ({ total: Number.NaN }));
  const { desk } = await atWork(t, { handlers: [large, odd] });
  desk.ready.push(lease("large", { handler: "large" }), lease("odd", { handler: "odd" }));
  await until(() => desk.reports.length === 2);
  const errors = new Map(desk.reports.map((report) => [report.lease_id, report.error as JsonObject]));
  for (const error of errors.values()) {
    assert.deepEqual([error.error_type, error.retryable], ["serialization_error", false]);
  }
  assert.match(String(errors.get("large")?.message), /1211 bytes as JSON, and 1000 is the most/);
  assert.match(String(errors.get("odd")?.message), /result of step 'step'\.total is NaN/);
});

test("a handler's error is reported with its code, its pause and where it came from", async (t) => {
  const { desk } = await atWork(t);
  desk.ready.push(lease("gone", { handler: "nobody" }));
  await until(() => desk.reports.length === 1);
  const error = desk.reports[0]?.error as JsonObject;
  assert.deepEqual([error.error_type, error.retryable], ["handler_not_found", false]);
  assert.match(String(error.message), /no handler 'nobody'; it serves nap/);
});

test("a handler that computes without a pause keeps its lease, and what came meanwhile isn't begun in vain", async (t) => {
  const leases = [lease("first"), lease("second")];
  const thread = new Thread(fileURLToPath(new URL("./thread-desk.js", import.meta.url)), { workerData: leases });
  t.after(() => thread.terminate());
  const [url] = (await once(thread, "message")) as [string];
  const begun: string[] = [];
  const compute = stepHandler("nap", {}, async ({ context }) => {
    begun.push(context.idempotencyKey);
    // The next poll is under way by then.
    await sleep(50);
    const until = performance.now() + 900;
    while (performance.now() < until);
    return { cancelled: context.cancelled };
  });
  const worker = await Worker.start({ url, handlers: [compute], log: () => {} });
  const [{ beats, report }] = (await once(thread, "message")) as [{ beats: number; report: JsonObject }];
  await worker.stop();
  assert.ok(beats >= 3, `${beats} heartbeats named the lease in 900 ms, of one each 50`);
  assert.deepEqual(report.result, { cancelled: false });
  assert.deepEqual(begun, ["t:first"]);
});

test("a stop that takes too long cancels what runs, and gives it back", async (t) => {
  const { desk, server, worker } = await atWork(t, { shutdownTimeoutMs: 50 });
  desk.ready.push(lease("long", { context: { ms: 60_000 } }));
  await until(() => napping === 1);
  await worker.stop();
  await until(() => napping === 0);
  assert.equal(server.requests.at(-1)?.method, "DELETE");
  assert.deepEqual(desk.reports, []);
});

test("a server that forgets the worker at once isn't stormed with registrations", async (t) => {
  const gone = { error: { code: "WORKER_UNKNOWN", message: "who?" } };
  const server = await scriptedServer(t, ({ path }) =>
    path === "/v1/workers" ? { status: 201, body: TERMS } : { status: 404, body: gone },
  );
  const worker = await Worker.start({ url: server.url, handlers: [nap], log: () => {} });
  server.before(() => worker.stop());
  await sleep(500);
  const registrations = server.requests.filter(({ path }) => path === "/v1/workers");
  assert.ok(registrations.length >= 2 && registrations.length <= 15, `${registrations.length} registrations`);
});

test("credentials that don't do end the worker with the reason", async (t) => {
  const refused = { error: { code: "AUTHENTICATION_FAILED", message: "the key is unknown" } };
  const server = await scriptedServer(t, ({ path }) =>
    path === "/v1/workers" ? { status: 201, body: TERMS } : { status: 401, body: refused },
  );
  const worker = await Worker.start({ url: server.url, handlers: [nap], log: () => {} });
  await assert.rejects(worker.untilSignalled([]), { code: "AUTHENTICATION_FAILED", message: /the key is unknown/ });

  const closed = await scriptedServer(t, () => ({ status: 401, body: refused }));
  const options = { url: closed.url, handlers: [nap], log: () => {} };
  await assert.rejects(Worker.run(options, []), { name: "CredentialsError", status: 401 });
});

test("a step reads the result of any earlier one", async (t) => {
  const desk = new Desk();
  const asked: Json[] = [];
  const server = await scriptedServer(t, (request) => {
    if (!request.path.endsWith("/results")) return desk.answer(request);
    asked.push(request.body);
    return { status: 200, body: { found: true, result: { result: { total: 9007199254740993n } } } };
  });
  const reads = stepHandler("reads", {}, async ({ context }) => ({ cart: await context.fetchResult("validate_cart") }));
  const worker = await Worker.start({ url: server.url, handlers: [reads], log: () => {} });
  server.before(() => worker.stop());
  desk.ready.push(lease("a", { handler: "reads" }));
  await until(() => desk.reports.length === 1);
  assert.deepEqual(asked, [{ token: "token of a", step: "validate_cart" }]);
  assert.deepEqual(desk.reports[0]?.result, { cart: { total: 9007199254740993n } });
});
