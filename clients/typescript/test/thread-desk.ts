// A server of the worker protocol in a thread of its own. It gives the first of its leases at once and the other while that
// one runs, takes back what two heartbeats leave out, and tells how many named the first one when its report comes.
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

const [first, second] = workerData as { lease_id: string }[];
let claims = 0;
let beats = 0;
/** How many heartbeats have left the second lease out since it was given; null before. */
let leftOut: number | null = null;

const server = createServer(async (request, answer) => {
  const body = await read(request);
  const say = (value: object) =>
    answer.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
  if (request.url === "/v1/workers") say(TERMS);
  else if (request.method === "DELETE") say({ released: 0 });
  else if (request.url?.endsWith("/heartbeat")) {
    const names = body.leases.map((each: { lease_id: string }) => each.lease_id);
    if (names.includes(first?.lease_id)) beats++;
    if (leftOut !== null && !names.includes(second?.lease_id)) leftOut++;
    const lost = leftOut !== null && leftOut >= 2 && names.includes(second?.lease_id);
    const leases = lost ? [{ lease_id: second?.lease_id, status: "lost" }] : [];
    say({ leases, directive: "run", lease_ms: TERMS.lease_ms });
  } else if (request.url?.endsWith("/reports")) {
    parentPort?.postMessage({ beats, report: body.reports[0] });
    say({ results: [{ lease_id: body.reports[0].lease_id, status: 200, replayed: false }], leases: [], more: false });
  } else {
    const lease = [first, second][claims++];
    setTimeout(
      () => {
        if (lease === second) leftOut = 0;
        say({ leases: lease === undefined ? [] : [lease], more: false, directive: "run" });
      },
      lease === first ? 0 : TERMS.max_wait_ms,
    );
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
