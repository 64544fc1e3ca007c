import { ServerError } from "../errors/index.js";
import { writeJson } from "../json/write.js";
import type { Leases } from "./leases.js";
import { type Link, WorkerUnknown } from "./link.js";
import type { Log } from "./log.js";
import type { Beaten } from "./messages.js";
import type { Session } from "./registration.js";

/** After this share of a lease without a heartbeat that got through, somebody else may have the steps. */
const GOOD_FOR = 0.9;

/** What a heart tells its worker. */
export interface HeartListener {
  readonly session: Session;
  directive(said: string | undefined): void;
  /** No heartbeat has got through for too long; `recovered`: one has, again. */
  lapsed(): void;
  recovered(): void;
  unknown(session: Session): Promise<Session>;
}

/** Beats: every `heartbeat_ms` it names the leases that are held, and tells those that are lost. */
export class Heart {
  state: "running" | "draining" = "running";
  isLapsed = false;

  private lapse: NodeJS.Timeout | undefined;
  private wake: () => void = () => {};

  constructor(
    private readonly link: Link,
    private readonly leases: Leases,
    private readonly listener: HeartListener,
    private readonly log: Log,
  ) {}

  /** Beats until `signal`. The registration was the first beat. */
  async run(session: Session, signal: AbortSignal): Promise<void> {
    this.gotThrough(session.askedAt, session.terms.lease_ms);
    signal.addEventListener("abort", () => {
      clearTimeout(this.lapse);
      this.wake();
    });
    let pauseMs = session.terms.heartbeat_ms;
    for (;;) {
      await this.pause(pauseMs);
      if (signal.aborted) return;
      const counts = this.listener.session;
      pauseMs = counts.terms.heartbeat_ms;
      try {
        await this.beat(counts, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof WorkerUnknown) {
          const anew = await this.listener.unknown(counts);
          this.gotThrough(anew.askedAt, anew.terms.lease_ms);
        } else if (error instanceof ServerError) {
          this.log("info", `a heartbeat didn't get through: ${error.message}`);
          pauseMs = Math.max(pauseMs, error.retryAfterMs ?? 0);
        } else throw error;
      }
    }
  }

  /** Beats at once: something has changed that the server is to know. */
  hurry(): void {
    this.wake();
  }

  private async beat({ path, terms }: Session, signal: AbortSignal): Promise<void> {
    const sentAt = performance.now();
    const leases = this.leases.ids.map((lease_id) => ({ lease_id }));
    const body = writeJson({ state: this.state, leases });
    const asking = { signal, timeoutMs: terms.lease_ms / 2 };
    const told = (await this.link.askOnce("POST", `${path}/heartbeat`, body, asking)) as unknown as Beaten;
    for (const { lease_id, status } of told.leases) {
      if (status === "lost") this.leases.lose(lease_id, "the lease is lost: somebody else may run this step");
      if (status === "cancel") this.leases.lose(lease_id, "the task was cancelled");
    }
    this.gotThrough(sentAt, told.lease_ms ?? terms.lease_ms);
    this.listener.directive(told.directive);
  }

  /** A beat that was sent then has got through. */
  private gotThrough(sentAt: number, leaseMs: number): void {
    clearTimeout(this.lapse);
    this.lapse = setTimeout(() => this.end(), Math.max(0, sentAt + GOOD_FOR * leaseMs - performance.now()));
    if (!this.isLapsed) return;
    this.isLapsed = false;
    this.listener.recovered();
  }

  private end(): void {
    this.isLapsed = true;
    this.log("warn", "no heartbeat gets through: somebody else may run what this worker holds");
    this.leases.warnAll("no heartbeat gets through: somebody else may run this step");
    this.listener.lapsed();
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
