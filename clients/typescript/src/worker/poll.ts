import { setTimeout as sleep } from "node:timers/promises";
import { writeJson } from "../json/write.js";
import { newUuid } from "../uuid.js";
import { type Link, WorkerUnknown } from "./link.js";
import type { Claimed } from "./messages.js";
import type { Session } from "./registration.js";
import type { Room } from "./room.js";

const LONGEST_JITTER_MS = 100;

/** What a poll tells its worker. */
export interface PollListener {
  readonly mayClaim: boolean;
  readonly session: Session;
  claimed(claimed: Claimed): void;
  unknown(session: Session): Promise<Session>;
}

/** The long poll: one request at a time that asks for as many steps as there is room for. */
export class Poll {
  private asking = new AbortController();

  constructor(
    private readonly link: Link,
    private readonly room: Room,
    private readonly listener: PollListener,
  ) {}

  /** Asks until `signal`, which ends a request that waits as well. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.asking.abort());
    while (!signal.aborted) {
      const { session } = this.listener;
      const max = Math.min(this.room.free, session.terms.max_claim);
      if (max === 0 || !this.listener.mayClaim) await this.room.change();
      else await this.ask(session, max);
    }
  }

  /** Ends a request that waits, so that the next one is asked as the worker that is registered now. */
  renew(): void {
    this.asking.abort();
  }

  private async ask(session: Session, max: number): Promise<void> {
    this.asking = new AbortController();
    const { signal } = this.asking;
    const waitingMs = session.terms.max_wait_ms;
    // The same id in every repetition: the server answers with the same leases.
    const body = writeJson({ request_id: newUuid(), max, wait_ms: waitingMs });
    this.room.polled = max;
    let claimed: Claimed | null = null;
    try {
      claimed = (await this.link.ask("POST", `${session.path}/claims`, body, { waitingMs, signal })) as Claimed | null;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof WorkerUnknown)) throw error;
      await this.listener.unknown(session);
      return;
    } finally {
      this.room.polled = 0;
    }
    if (claimed !== null) this.listener.claimed(claimed);
    else await sleep(Math.random() * LONGEST_JITTER_MS, undefined, { signal }).catch(() => {});
  }
}
