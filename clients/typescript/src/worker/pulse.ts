// A worker's heartbeats, in a thread of its own: a handler that computes for long without a pause keeps its lease.
import { parentPort, workerData } from "node:worker_threads";
import { ServerError } from "../errors/index.js";
import type { ConnectionSettings } from "../http/settings.js";
import { writeJson } from "../json/write.js";
import { Link, Refused, WorkerUnknown } from "./link.js";
import type { Beaten, Terms } from "./messages.js";

/** What the worker's thread says to this one. */
export type Order =
  | { readonly kind: "session"; readonly path: string; readonly terms: Terms; readonly ageMs: number }
  | { readonly kind: "hold" | "let go"; readonly ids: readonly string[] }
  | { readonly kind: "drain" }
  | { readonly kind: "end" };

/** And this one to it. */
export type News =
  | { readonly kind: "lost" | "cancel"; readonly id: string }
  | { readonly kind: "directive"; readonly directive: string }
  | { readonly kind: "lapsed" | "recovered" }
  | { readonly kind: "unknown"; readonly path: string }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string; readonly code: string | null; readonly status: number };

/** After this share of a lease without a heartbeat that got through, somebody else may have the steps. */
const GOOD_FOR = 0.9;

class Pulse {
  private readonly leases = new Set<string>();
  private readonly over = new AbortController();
  private readonly link: Link;
  private session: { path: string; terms: Terms } | null = null;
  private state: "running" | "draining" = "running";
  private isLapsed = false;
  private lapse: NodeJS.Timeout | undefined;
  private wake: () => void = () => {};

  constructor(
    settings: ConnectionSettings,
    private readonly tell: (news: News) => void,
  ) {
    this.link = new Link(settings, (level, message) => tell({ kind: "log", level, message }));
  }

  /** Beats until it is told to end. */
  async run(): Promise<void> {
    for (let pauseMs = Infinity; ; ) {
      await this.pause(pauseMs);
      if (this.over.signal.aborted) return;
      pauseMs = this.session === null ? Infinity : await this.beat(this.session);
    }
  }

  hear(order: Order): void {
    switch (order.kind) {
      case "session":
        // A registration is as good as a beat.
        this.gotThrough(performance.now() - order.ageMs, order.terms.lease_ms);
        this.session = order;
        this.wakeAfter(order.terms.heartbeat_ms);
        break;
      case "hold":
        for (const id of order.ids) this.leases.add(id);
        break;
      case "let go":
        for (const id of order.ids) this.leases.delete(id);
        break;
      case "drain":
        this.state = "draining";
        this.wake();
        break;
      case "end":
        this.over.abort("the worker has ended");
        clearTimeout(this.lapse);
        this.link.close();
        this.wake();
    }
  }

  /** Beats once; for how long to wait then. */
  private async beat(session: { path: string; terms: Terms }): Promise<number> {
    const { heartbeat_ms, lease_ms } = session.terms;
    try {
      await this.ask(session.path, lease_ms);
      return heartbeat_ms;
    } catch (error) {
      if (error instanceof WorkerUnknown) {
        if (this.session === session) this.session = null;
        this.tell({ kind: "unknown", path: session.path });
        return this.session === null ? Infinity : heartbeat_ms;
      }
      if (error instanceof ServerError) {
        this.tell({ kind: "log", level: "info", message: `a heartbeat didn't get through: ${error.message}` });
        return Math.max(heartbeat_ms, error.retryAfterMs ?? 0);
      }
      if (error instanceof Refused) {
        this.tell({ kind: "failed", message: error.message, code: error.error.code, status: error.status });
        return Infinity;
      }
      if (this.over.signal.aborted) return 0;
      throw error;
    }
  }

  private async ask(path: string, leaseMs: number): Promise<void> {
    const sentAt = performance.now();
    const body = writeJson({ state: this.state, leases: [...this.leases].map((lease_id) => ({ lease_id })) });
    const asking = { signal: this.over.signal, timeoutMs: leaseMs / 2 };
    const told = (await this.link.askOnce("POST", `${path}/heartbeat`, body, asking)) as unknown as Beaten;
    for (const { lease_id, status } of told.leases) {
      if (status !== "lost" && status !== "cancel") continue;
      this.leases.delete(lease_id);
      this.tell({ kind: status, id: lease_id });
    }
    this.gotThrough(sentAt, told.lease_ms ?? leaseMs);
    if (told.directive !== undefined && told.directive !== "run") {
      this.tell({ kind: "directive", directive: told.directive });
    }
  }

  /** A beat that was sent then has got through. */
  private gotThrough(sentAt: number, leaseMs: number): void {
    clearTimeout(this.lapse);
    this.lapse = setTimeout(
      () => {
        this.isLapsed = true;
        this.tell({ kind: "lapsed" });
      },
      Math.max(0, sentAt + GOOD_FOR * leaseMs - performance.now()),
    );
    if (!this.isLapsed) return;
    this.isLapsed = false;
    this.tell({ kind: "recovered" });
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      this.wakeAfter(milliseconds);
    });
  }

  /** Ends the pause that lasts, after so long at the latest. */
  private wakeAfter(milliseconds: number): void {
    if (milliseconds === Infinity) return;
    const { wake } = this;
    setTimeout(wake, milliseconds);
  }
}

const pulse = new Pulse(workerData as ConnectionSettings, (news) => parentPort?.postMessage(news));
parentPort?.on("message", (order: Order) => {
  pulse.hear(order);
  if (order.kind === "end") parentPort?.close();
});
await pulse.run();
