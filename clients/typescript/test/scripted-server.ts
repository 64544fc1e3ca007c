import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { type JsonObject, readJson, writeJson } from "../src/index.js";

/** A request that arrived. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: JsonObject;
}

/** What is answered; "hang up" closes the connection without a word. */
export type Said = { status: number; body?: unknown; headers?: Record<string, string> } | "hang up";
export type Script = (request: Arrived, nth: number) => Said | Promise<Said>;

/** A real server on a real socket, which answers as `script` says. */
export interface ScriptedServer {
  readonly url: string;
  readonly requests: Arrived[];
  /** Does this before the server goes away. */
  before(end: () => Promise<unknown>): void;
}

export async function scriptedServer(test: TestContext, script: Script): Promise<ScriptedServer> {
  const requests: Arrived[] = [];
  const server = createServer(async (incoming, answer) => {
    const request = await arrived(incoming);
    requests.push(request);
    give(await script(request, requests.length), answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ends: (() => Promise<unknown>)[] = [];
  test.after(async () => {
    for (const end of ends) await end();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, before: (end) => ends.push(end) };
}

async function arrived(incoming: IncomingMessage): Promise<Arrived> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(incoming.url ?? "/", "http://server");
  return {
    method: incoming.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: text === "" ? {} : (readJson(text) as JsonObject),
  };
}

function give(said: Said, answer: ServerResponse): void {
  if (said === "hang up") {
    answer.destroy();
    return;
  }
  answer.writeHead(said.status, { "Content-Type": "application/json", ...said.headers });
  answer.end(said.body === undefined ? "" : writeJson(said.body));
}
