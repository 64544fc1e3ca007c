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
  /** It has heard of this beat: it isn't too busy to. */
  | { readonly kind: "here"; readonly beat: number }
  | { readonly kind: "drain" }
  | { readonly kind: "end" };

/** And this one to it. */
export type News =
  | { readonly kind: "lost" | "cancel"; readonly id: string }
  | { readonly kind: "directive"; readonly directive: string }
  | { readonly kind: "lapsed" | "recovered" }
  | { readonly kind: "beat"; readonly beat: number }
  /** These are held for sure, but for those that were told as lost before. */
  | { readonly kind: "held"; readonly ids: readonly string[] }
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
  private isAsking = false;
  private next: NodeJS.Timeout | undefined;
  private lapse: NodeJS.Timeout | undefined;

  /** Beats so far, and the last one that the worker's thread has heard of. */
  private beats = 0;
  private heard = 0;
  private isDoubtful = false;
  private doubted: string[] = [];

  constructor(
    settings: ConnectionSettings,
    private readonly tell: (news: News) => void,
  ) {
    this.link = new Link(settings, (level, message) => tell({ kind: "log", level, message }));
  }

  hear(order: Order): void {
    switch (order.kind) {
      case "session":
        // A registration is as good as a beat.
        this.gotThrough(performance.now() - order.ageMs, order.terms.lease_ms);
        this.session = order;
        this.beatAfter(order.terms.heartbeat_ms);
        break;
      case "hold":
        this.hold(order.ids);
        break;
      case "let go":
        for (const id of order.ids) this.leases.delete(id);
        break;
      case "here":
        this.isDoubtful ||= this.wasMissed;
        this.heard = order.beat;
        break;
      case "drain":
        this.state = "draining";
        this.beatAfter(0);
        break;
      case "end":
        this.over.abort("the worker has ended");
        clearTimeout(this.lapse);
        clearTimeout(this.next);
        this.link.close();
    }
  }

  /**
   * Holds leases that a claim has brought, and says so once that is sure. The server takes back what two beats in a row leave
   * out: where the worker's thread was too busy for two of them, only the answer to another one can tell what came meanwhile.
   */
  private hold(ids: readonly string[]): void {
    for (const id of ids) this.leases.add(id);
    if (!this.isDoubtful && !this.wasMissed && !this.isLapsed) {
      this.tell({ kind: "held", ids });
      return;
    }
    this.doubted.push(...ids);
    this.beatAfter(0);
  }

  /** The worker's thread hasn't heard of two beats or more. */
  private get wasMissed(): boolean {
    return this.beats - this.heard >= 2;
  }

  private beatAfter(milliseconds: number): void {
    clearTimeout(this.next);
    // One at a time: the one under way sees to the next.
    if (!this.isAsking) this.next = setTimeout(() => void this.beat(), milliseconds);
  }

  private async beat(): Promise<void> {
    if (this.session === null) return;
    this.isAsking = true;
    const pauseMs = await this.tryToBeat(this.session);
    this.isAsking = false;
    if (pauseMs !== null && !this.over.signal.aborted) this.beatAfter(pauseMs);
  }

  /** Beats once; for how long to wait then, null to wait for a new session. */
  private async tryToBeat(session: { path: string; terms: Terms }): Promise<number | null> {
    const { heartbeat_ms, lease_ms } = session.terms;
    try {
      await this.ask(session.path, lease_ms);
      return heartbeat_ms;
    } catch (error) {
      if (this.over.signal.aborted) return null;
      if (error instanceof WorkerUnknown) {
        this.tell({ kind: "unknown", path: session.path });
        if (this.session !== session) return heartbeat_ms;
        this.session = null;
        return null;
      }
      if (error instanceof ServerError) {
        this.tell({ kind: "log", level: "info", message: `a heartbeat didn't get through: ${error.message}` });
        return Math.max(heartbeat_ms, error.retryAfterMs ?? 0);
      }
      if (!(error instanceof Refused)) throw error;
      this.tell({ kind: "failed", message: error.message, code: error.error.code, status: error.status });
      return null;
    }
  }

  private async ask(path: string, leaseMs: number): Promise<void> {
    const sentAt = performance.now();
    const doubted = this.doubted.splice(0);
    this.tell({ kind: "beat", beat: ++this.beats });
    const body = writeJson({ state: this.state, leases: [...this.leases].map((lease_id) => ({ lease_id })) });
    const asking = { signal: this.over.signal, timeoutMs: leaseMs / 2 };
    let told: Beaten;
    try {
      told = (await this.link.askOnce("POST", `${path}/heartbeat`, body, asking)) as unknown as Beaten;
    } catch (error) {
      this.doubted.push(...doubted);
      throw error;
    }
    for (const { lease_id, status } of told.leases) {
      if (status !== "lost" && status !== "cancel") continue;
      this.leases.delete(lease_id);
      this.tell({ kind: status, id: lease_id });
    }
    this.gotThrough(sentAt, told.lease_ms ?? leaseMs);
    this.isDoubtful = this.wasMissed;
    if (doubted.length > 0) this.tell({ kind: "held", ids: doubted });
    if (told.directive !== undefined && told.directive !== "run") {
      this.tell({ kind: "directive", directive: told.directive });
    }
  }

  /** A beat that was sent then has got through. */
  private gotThrough(sentAt: number, leaseMs: number): void {
    clearTimeout(this.lapse);
    const left = Math.max(0, sentAt + GOOD_FOR * leaseMs - performance.now());
    this.lapse = setTimeout(() => {
      this.isLapsed = true;
      this.tell({ kind: "lapsed" });
    }, left);
    if (!this.isLapsed) return;
    this.isLapsed = false;
    this.tell({ kind: "recovered" });
  }
}

const pulse = new Pulse(workerData as ConnectionSettings, (news) => parentPort?.postMessage(news));
parentPort?.on("message", (order: Order) => {
  pulse.hear(order);
  if (order.kind === "end") parentPort?.close();
});
