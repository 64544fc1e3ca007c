import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort } from "node:worker_threads";

const TASK = "01980000-0000-7000-8000-000000000000";
const NO_STEP = { error: { code: "NOT_FOUND", message: "there is no such step", details: { resource: "step" } } };

const server = createServer((request, answer) => {
  const url = new URL(request.url ?? "/", "http://server");
  const say = (status: number, text: string) =>
    answer.writeHead(status, { "Content-Type": "application/json" }).end(text);
  if (url.pathname === "/big") say(200, JSON.stringify("x".repeat(Number(url.searchParams.get("size")))));
  else if (url.pathname === "/health/ready") say(200, '{"status":"healthy","timestamp":"now"}');
  else if (url.pathname.includes("/workflow_steps/")) say(404, JSON.stringify(NO_STEP));
  else say(201, `{"task_uuid":"${TASK}","status":"steps_in_process","context":{"id":9007199254740993}}`);
});
server.listen(0, "127.0.0.1", () => {
  parentPort?.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
