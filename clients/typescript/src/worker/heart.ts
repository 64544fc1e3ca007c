import { Worker as Thread } from "node:worker_threads";
import { ClientError } from "../errors/index.js";
import type { ConnectionSettings } from "../http/settings.js";
import type { Log } from "./log.js";
import type { News, Order } from "./pulse.js";
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

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly listener: HeartListener,
    private readonly log: Log,
  ) {}

  start(session: Session): void {
    this.thread = new Thread(new URL("./pulse.js", import.meta.url), { workerData: this.settings });
    this.thread.on("message", (news: News) => this.hear(news));
    this.thread.on("error", (error) => this.listener.failed(error));
    this.renew(session);
  }

  /** Beats as the worker that is registered now. */
  renew({ path, terms, askedAt }: Session): void {
    this.order({ kind: "session", path, terms, ageMs: performance.now() - askedAt });
  }

  /** Takes leases up; the listener is told when they are `held` for sure, and may be begun. */
  hold(ids: readonly string[]): void {
    this.order({ kind: "hold", ids });
  }

  letGo(ids: readonly string[]): void {
    this.order({ kind: "let go", ids });
  }

  /** The server is told at once that nothing more is taken. */
  drain(): void {
    this.state = "draining";
    this.order({ kind: "drain" });
  }

  async end(): Promise<void> {
    this.order({ kind: "end" });
    await this.thread?.terminate();
    this.thread = null;
  }

  private order(order: Order): void {
    this.thread?.postMessage(order);
  }

  private hear(news: News): void {
    const { listener } = this;
    switch (news.kind) {
      case "lost":
        listener.lost(news.id, "the lease is lost: somebody else may run this step");
        break;
      case "cancel":
        listener.lost(news.id, "the task was cancelled");
        break;
      case "beat":
        this.order({ kind: "here", beat: news.beat });
        break;
      case "held":
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
