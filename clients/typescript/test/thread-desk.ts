// A server of the worker protocol in a thread of its own: gives the lease that it was made with, and tells how many
// heartbeats named it when its report comes.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const TERMS = {
  worker_id: "w",
  lease_ms: 400,
  heartbeat_ms: 50,
  max_wait_ms: 200,
  max_claim: 9,
  max_reports: 9,
  max_payload_bytes: 999,
};

const lease = workerData;
let ready = [lease];
let beats = 0;

const server = createServer(async (request, answer) => {
  const body = await read(request);
  const say = (value: object) =>
    answer.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
  if (request.url === "/v1/workers") say(TERMS);
  else if (request.method === "DELETE") say({ released: 0 });
  else if (request.url?.endsWith("/heartbeat")) {
    const named = body.leases.filter((each: { lease_id: string }) => each.lease_id === lease.lease_id);
    beats += named.length;
    say({ leases: [], directive: "run", lease_ms: TERMS.lease_ms });
  } else if (request.url?.endsWith("/reports")) {
    parentPort?.postMessage({ beats, report: body.reports[0] });
    say({ results: [{ lease_id: lease.lease_id, status: 200, replayed: false }], leases: [], more: false });
  } else {
    setTimeout(
      (leases) => say({ leases, more: false, directive: "run" }),
      ready.length > 0 ? 0 : TERMS.max_wait_ms,
      ready,
    );
    ready = [];
  }
});

async function read(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
}

server.listen(0, "127.0.0.1", () => {
  parentPort?.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
