import { setImmediate as turn } from "node:timers/promises";
import { newUuid } from "../uuid.js";
import type { Leases } from "./leases.js";
import { type Link, Refused, WorkerUnknown } from "./link.js";
import type { Log } from "./log.js";
import type { Claimed, Reported, ReportResult } from "./messages.js";
import type { Session } from "./registration.js";
import { type Report, unkeepable } from "./report.js";
import type { Room } from "./room.js";

/** More than one report is sent only in bodies up to this size: half of what a server takes at least. */
const LARGEST_BODY = 2_000_000;
const UNANSWERED: ReportResult = { lease_id: "", status: 0, message: "the server said nothing of it" };
const UNKEEPABLE = new Set([413, 422]);

/** What reporting tells its worker. */
export interface ReportingListener {
  readonly mayClaim: boolean;
  readonly session: Session;
  claimed(claimed: Claimed): void;
  unknown(session: Session): Promise<Session>;
  failed(error: unknown): void;
}

/**
 * Sends reports, and claims steps for the slots that they free in the same round trip. What ends while a request is under
 * way goes with the next one.
 */
export class Reporting {
  private waiting: Report[] = [];
  private sending: Promise<void> | null = null;

  constructor(
    private readonly link: Link,
    private readonly leases: Leases,
    private readonly room: Room,
    private readonly listener: ReportingListener,
    private readonly log: Log,
    private readonly signal: AbortSignal,
  ) {}

  add(report: Report): void {
    this.waiting.push(report);
    this.room.finished++;
    this.begin();
  }

  get isIdle(): boolean {
    return this.sending === null;
  }

  private begin(): void {
    this.sending ??= this.send()
      .catch((error) => this.listener.failed(error))
      .finally(() => {
        this.sending = null;
        // What was added after the last look, and found somebody sending.
        if (this.waiting.length > 0 && !this.signal.aborted) this.begin();
        this.room.changed();
      });
  }

  private async send(): Promise<void> {
    // Handlers that end in the same turn are reported together.
    await turn();
    while (this.waiting.length > 0 && !this.signal.aborted) {
      const batch = this.batch();
      this.room.finished -= batch.length;
      if (batch.length > 0) await this.report(batch);
      this.room.changed();
    }
  }

  /** As many as one request takes. Those whose lease was lost meanwhile are left out. */
  private batch(): Report[] {
    const most = this.listener.session.terms.max_reports;
    let count = 0;
    for (let bytes = 0; count < Math.min(most, this.waiting.length); count++) {
      bytes += this.waiting[count]?.bytes ?? 0;
      if (bytes > LARGEST_BODY && count > 0) break;
    }
    const taken = this.waiting.splice(0, count);
    const held = taken.filter((report) => this.leases.holds(report.held));
    this.room.finished -= taken.length - held.length;
    return held;
  }

  private async report(batch: readonly Report[]): Promise<void> {
    const { session } = this.listener;
    const max = this.listener.mayClaim ? Math.min(this.room.free, session.terms.max_claim) : 0;
    const claim = max > 0 ? `,"claim":{"request_id":"${newUuid()}","max":${max}}` : "";
    const body = `{"reports":[${batch.map(({ text }) => text).join(",")}]${claim}}`;
    this.room.claimed = max;
    try {
      const told = await this.link.ask("POST", `${session.path}/reports`, body, { signal: this.signal });
      const reported = told as unknown as Reported;
      batch.forEach((report, index) => {
        this.answered(report, reported.results[index] ?? UNANSWERED);
      });
      this.room.claimed = 0;
      this.listener.claimed(reported);
    } catch (error) {
      if (this.signal.aborted) return;
      if (error instanceof WorkerUnknown) await this.listener.unknown(session);
      else if (error instanceof Refused && !error.isAboutCredentials) await this.apart(batch, error);
      else throw error;
    } finally {
      this.room.claimed = 0;
    }
  }

  /** A request that is refused as a whole is sent in pieces, until the report that spoils it is alone. */
  private async apart(batch: readonly Report[], error: Refused): Promise<void> {
    const [only] = batch;
    if (batch.length > 1) for (const report of batch) await this.report([report]);
    else if (only !== undefined) this.spoiled(only, error.message);
  }

  private answered(report: Report, result: ReportResult): void {
    if (UNKEEPABLE.has(result.status)) {
      this.spoiled(report, result.message ?? "the outcome can't be kept");
      return;
    }
    if (result.status !== 200) {
      const { step, task_uuid } = report.held.lease;
      this.log("warn", `a report came to nothing: ${result.message ?? result.code}`, { step, task_uuid });
    }
    this.leases.release(report.held);
  }

  private spoiled(report: Report, why: string): void {
    if (!report.isLastResort) {
      this.add(unkeepable(report.held, why));
      return;
    }
    this.log("error", `an outcome can't be reported: ${why}`, { step: report.held.lease.step });
    this.leases.release(report.held);
  }
}
