import * as http from "node:http";
import * as https from "node:https";
import { VERSION } from "../version.js";
import type { ConnectionSettings } from "./settings.js";

/** One request, as it goes out. */
export interface Request {
  readonly method: string;
  /** With its query, if it has one. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An answer. The names of its headers are in lower case. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** There was no answer. */
export interface Silence {
  readonly why: string;
  /** The request can't have reached the server. */
  readonly unreached: boolean;
}

export type Outcome = Reply | Silence;

export function isReply(outcome: Outcome): outcome is Reply {
  return "status" in outcome;
}

/** How a request's life may end before its answer. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const UNREACHED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * The connections to a server, kept open between requests.
 *
 * This is `node:http` rather than `fetch`, whose every request costs Node three times as much.
 */
export class Exchange {
  private readonly url: URL;
  private readonly agent: http.Agent;
  private readonly send: typeof http.request;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(private readonly settings: ConnectionSettings) {
    this.url = new URL(settings.url);
    const isSecure = this.url.protocol === "https:";
    this.agent = isSecure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
    this.send = isSecure ? https.request : http.request;
    this.headers = { "User-Agent": `tasker-core-typescript/${VERSION}`, ...settings.credentials };
  }

  /** Asks once. Never rejects: that there was no answer is an outcome, too. */
  async ask(request: Request, limits: Limits): Promise<Outcome> {
    const first = await this.once(request, limits);
    // The server had closed a connection that was kept open: that says nothing about the next one.
    return first === "stale" ? this.fresh(request, limits) : first;
  }

  close(): void {
    this.agent.destroy();
  }

  private async fresh(request: Request, limits: Limits): Promise<Outcome> {
    const second = await this.once(request, limits);
    return second === "stale" ? { why: "the connection was closed", unreached: false } : second;
  }

  private once(request: Request, { timeoutMs, signal }: Limits): Promise<Outcome | "stale"> {
    return new Promise((resolve) => {
      const body = request.body === undefined ? undefined : Buffer.from(request.body);
      const sent = this.send({
        agent: this.agent,
        protocol: this.url.protocol,
        hostname: this.url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: this.url.port,
        path: this.url.pathname.replace(/\/$/, "") + request.path,
        method: request.method,
        headers: {
          ...this.headers,
          ...request.headers,
          ...(body && { "Content-Type": "application/json", "Content-Length": body.length }),
        },
      });
      let why: string | undefined;
      const end = (said: string) => {
        why ??= said;
        sent.destroy();
      };
      const timer = setTimeout(end, timeoutMs, "no answer in time");
      const connecting = setTimeout(end, this.settings.connectTimeoutMs, "no connection in time");
      const abort = () => end("the request was given up");
      const settle = (outcome: Outcome | "stale") => {
        clearTimeout(timer);
        clearTimeout(connecting);
        signal?.removeEventListener("abort", abort);
        resolve(outcome);
      };
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
      sent.once("socket", (socket) => {
        if (!socket.connecting) clearTimeout(connecting);
        else socket.once("connect", () => clearTimeout(connecting));
      });
      sent.once("error", (error: NodeJS.ErrnoException) => {
        const isStale = why === undefined && sent.reusedSocket && error.code === "ECONNRESET";
        settle(isStale ? "stale" : { why: why ?? reason(error), unreached: UNREACHED.has(error.code ?? "") });
      });
      sent.once("close", () => settle({ why: why ?? "the connection was closed", unreached: false }));
      sent.once("response", (answer) => {
        clearTimeout(connecting);
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("error", (error) => settle({ why: why ?? reason(error), unreached: false }));
        answer.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          settle({ status: answer.statusCode ?? 0, headers: answer.headers, text });
        });
      });
      sent.end(body);
    });
  }
}

function reason(error: NodeJS.ErrnoException): string {
  return error.message || error.code || error.name;
}
