import { Worker as Thread } from "node:worker_threads";
import { ClientError } from "../errors/index.js";
import type { ConnectionSettings } from "../http/settings.js";
import type { Log } from "./log.js";
import type { News, Order, PulseData } from "./pulse.js";
import type { Session } from "./registration.js";

/** What a heart tells its worker. */
export interface HeartListener {
  directive(said: string | undefined): void;
  /** These leases may be begun, as far as they weren't `lost` since. */
  held(leaseIds: readonly string[]): void;
  /** The lease is somebody else's. */
  lost(leaseId: string, reason: string): void;
  /** No heartbeat has got through for too long; `recovered`: one has, again. */
  lapsed(): void;
  recovered(): void;
  /** The server doesn't know the worker of this path any more. */
  unknownAt(path: string): void;
  failed(error: unknown): void;
}

/** A worker's heartbeats, which a thread of its own sends: it has to be told what is held. */
export class Heart {
  state: "running" | "draining" = "running";
  isLapsed = false;
  private thread: Thread | null = null;
  private ready: () => void = () => {};

  /** How many beats there were, and of which this thread has heard last. */
  private readonly beats = new Int32Array(new SharedArrayBuffer(4));
  private heard = 0;
  private gone: string[] = [];
  private isInDoubt = false;
  /** With this beat, if it is good. */
  private doubtEnds = 0;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly listener: HeartListener,
    private readonly log: Log,
  ) {}

  /** Resolves when it can beat: nothing should be claimed before. */
  async start(session: Session): Promise<void> {
    const workerData: PulseData = { settings: this.settings, beats: this.beats };
    this.thread = new Thread(new URL("./pulse.js", import.meta.url), { workerData });
    this.thread.on("message", (news: News) => this.hear(news));
    this.thread.on("error", (error) => this.listener.failed(error));
    this.renew(session);
    await new Promise<void>((resolve) => {
      this.ready = resolve;
    });
  }

  /** Beats as the worker that is registered now. */
  renew({ path, terms, askedAt }: Session): void {
    this.order({ kind: "session", path, terms, ageMs: performance.now() - askedAt });
  }

  /**
   * Takes up leases that a claim has brought; the listener is told when they are `held` for sure, mostly at once.
   *
   * The server takes back what two beats in a row leave out. Where this thread was too busy for two of them, what a claim brought
   * meanwhile lay unread, and only the answer to another beat can tell what is still its own.
   */
  hold(ids: readonly string[]): void {
    this.lookBack();
    const isSure = !this.isInDoubt && !this.isLapsed;
    this.change(ids, !isSure);
    if (isSure) this.listener.held(ids);
  }

  letGo(id: string): void {
    // Told once for all that go in the same turn, or with those that come.
    if (this.gone.push(id) === 1) queueMicrotask(() => this.change([], false));
  }

  /** The server is told at once that nothing more is taken. */
  drain(): void {
    this.state = "draining";
    this.order({ kind: "drain" });
  }

  async end(): Promise<void> {
    this.order({ kind: "end" });
    this.ready();
    await this.thread?.terminate();
    this.thread = null;
  }

  private change(taken: readonly string[], isInDoubt: boolean): void {
    const { gone } = this;
    this.gone = [];
    if (taken.length + gone.length > 0) this.order({ kind: "leases", change: { taken, gone, isInDoubt } });
  }

  /** Looks whether this thread has missed two beats. */
  private lookBack(): void {
    const beats = Atomics.load(this.beats, 0);
    if (beats - this.heard < 2) return;
    this.isInDoubt = true;
    this.doubtEnds = beats + 1;
  }

  private order(order: Order): void {
    this.thread?.postMessage(order);
  }

  private hear(news: News): void {
    const { listener } = this;
    switch (news.kind) {
      case "ready":
        this.ready();
        break;
      case "lost":
        listener.lost(news.id, "the lease is lost: somebody else may run this step");
        break;
      case "cancel":
        listener.lost(news.id, "the task was cancelled");
        break;
      case "beat":
        this.lookBack();
        this.heard = news.beat;
        if (news.good && news.beat >= this.doubtEnds) this.isInDoubt = false;
        break;
      case "sure":
        listener.held(news.ids);
        break;
      case "directive":
        listener.directive(news.directive);
        break;
      case "lapsed":
        this.isLapsed = true;
        this.log("warn", "no heartbeat gets through: somebody else may run what this worker holds");
        listener.lapsed();
        break;
      case "recovered":
        this.isLapsed = false;
        listener.recovered();
        break;
      case "unknown":
        listener.unknownAt(news.path);
        break;
      case "log":
        this.log(news.level, news.message);
        break;
      case "failed":
        listener.failed(new ClientError(news.message, { code: news.code ?? undefined, status: news.status }));
    }
  }
}
