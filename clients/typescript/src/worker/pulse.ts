// A worker's heartbeats, in a thread of its own: a handler that computes for long without a pause keeps its lease.
import { parentPort, workerData } from "node:worker_threads";
import { ServerError } from "../errors/index.js";
import type { ConnectionSettings } from "../http/settings.js";
import { writeJson } from "../json/write.js";
import { Link, Refused, WorkerUnknown } from "./link.js";
import type { Beaten, Terms } from "./messages.js";

/** What became of what is held. */
export interface Change {
  readonly taken: readonly string[];
  readonly gone: readonly string[];
  /** Those taken may be lost already, which the answer to a beat tells. */
  readonly isInDoubt: boolean;
}

/** What the worker's thread says to this one. */
export type Order =
  | { readonly kind: "session"; readonly path: string; readonly terms: Terms; readonly ageMs: number }
  | { readonly kind: "leases"; readonly change: Change }
  | { readonly kind: "drain" }
  | { readonly kind: "end" };

/** And this one to it. */
export type News =
  | { readonly kind: "lost" | "cancel"; readonly id: string }
  | { readonly kind: "directive"; readonly directive: string }
  | { readonly kind: "ready" | "lapsed" | "recovered" }
  /** A beat is over, and `good` where it was answered. */
  | { readonly kind: "beat"; readonly beat: number; readonly good: boolean }
  /** These are held for sure, but for those that were told as lost before. */
  | { readonly kind: "sure"; readonly ids: readonly string[] }
  | { readonly kind: "unknown"; readonly path: string }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string; readonly code: string | null; readonly status: number };

/** What this thread is made with: where the server is, and a cell for how many beats there were, which both threads see. */
export interface PulseData {
  readonly settings: ConnectionSettings;
  readonly beats: Int32Array;
}

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
  private wasGood = false;
  private next: NodeJS.Timeout | undefined;
  private lapse: NodeJS.Timeout | undefined;

  private doubted: string[] = [];

  constructor(
    settings: ConnectionSettings,
    private readonly beats: Int32Array,
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
      case "leases":
        this.take(order.change);
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

  private take({ taken, gone, isInDoubt }: Change): void {
    for (const id of gone) this.leases.delete(id);
    for (const id of taken) this.leases.add(id);
    if (!isInDoubt) return;
    this.doubted.push(...taken);
    this.beatAfter(0);
  }

  private beatAfter(milliseconds: number): void {
    clearTimeout(this.next);
    // One at a time: the one under way sees to the next.
    if (!this.isAsking) this.next = setTimeout(() => void this.beat(), milliseconds);
  }

  private async beat(): Promise<void> {
    if (this.session === null) return;
    this.isAsking = true;
    const beat = Atomics.add(this.beats, 0, 1) + 1;
    const pauseMs = await this.tryToBeat(this.session);
    this.isAsking = false;
    this.tell({ kind: "beat", beat, good: this.wasGood });
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
    this.wasGood = false;
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
    this.wasGood = true;
    if (doubted.length > 0) this.tell({ kind: "sure", ids: doubted });
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

const { settings, beats } = workerData as PulseData;
const pulse = new Pulse(settings, beats, (news) => parentPort?.postMessage(news));
parentPort?.on("message", (order: Order) => {
  pulse.hear(order);
  if (order.kind === "end") parentPort?.close();
});
parentPort?.postMessage({ kind: "ready" } satisfies News);
