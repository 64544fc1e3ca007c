import { once } from "node:events";
import { hostname } from "node:os";
import { HandlerRegistry } from "../handler/registry.js";
import type { StepHandlerClass } from "../handler/step-handler.js";
import { type ConnectionOptions, connectionSettings } from "../http/settings.js";
import { isObject, type Json } from "../json/json.js";
import { writeJson } from "../json/write.js";
import { attempt } from "./attempt.js";
import { Heart, type HeartListener } from "./heart.js";
import { type Held, Leases } from "./leases.js";
import { Link, Refused } from "./link.js";
import { type Log, logToStandardError } from "./log.js";
import type { Claimed, FoundResult, Lease } from "./messages.js";
import { Poll } from "./poll.js";
import { Registration, type Session } from "./registration.js";
import { givenBack, reportOf } from "./report.js";
import { Reporting } from "./reporting.js";
import { Room } from "./room.js";

/** What a worker serves, and how. */
export interface WorkerOptions extends ConnectionOptions {
  /** The handlers that it runs. */
  handlers: readonly StepHandlerClass[] | HandlerRegistry;
  /** Only these namespaces; else all. */
  namespaces?: readonly string[] | undefined;
  /** How many handlers run at once; 10. */
  slots?: number | undefined;
  /** For people; else host and process id. */
  name?: string | undefined;
  /** For how long a stop waits for what runs; 30 s. */
  shutdownTimeoutMs?: number | undefined;
  log?: Log | undefined;
}

const LAST_WORD_MS = 5_000;

/**
 * Takes steps from a server, runs their handlers and reports what became of them.
 *
 * @example
 * const worker = await Worker.start({ url: "http://127.0.0.1:8080", handlers: [validateCart, processPayment] });
 * await worker.untilSignalled();
 */
export class Worker implements HeartListener {
  private readonly handlers: HandlerRegistry;
  private readonly link: Link;
  private readonly log: Log;
  private readonly leases: Leases;
  private readonly room: Room;
  private readonly registration: Registration;
  private readonly heart: Heart;
  private readonly poll: Poll;
  private readonly reporting: Reporting;
  private readonly shutdownTimeoutMs: number;

  /** Leases that the heart has yet to take up. */
  private readonly fresh = new Map<string, Held>();
  private readonly noMore = new AbortController();
  private readonly over = new AbortController();
  private readonly silent = new AbortController();
  private stopping: Promise<void> | null = null;
  private failure: unknown;

  constructor(options: WorkerOptions) {
    const { handlers, namespaces = null, slots = 10, log = logToStandardError, shutdownTimeoutMs = 30_000 } = options;
    const { name = `${hostname()}:${process.pid}`, ...connection } = options;
    this.handlers = handlers instanceof HandlerRegistry ? handlers : new HandlerRegistry(handlers);
    this.log = log;
    this.shutdownTimeoutMs = shutdownTimeoutMs;
    const settings = connectionSettings(connection);
    this.link = new Link(settings, log);
    this.room = new Room(slots);
    this.registration = new Registration(this.link, this.handlers, { name, namespaces, slots }, this.over.signal);
    this.heart = new Heart(settings, this, log);
    this.leases = new Leases(this.heart);
    this.poll = new Poll(this.link, this.room, this);
    this.reporting = new Reporting(this.link, this.leases, this.room, this, log, this.over.signal);
  }

  /** A worker that is registered and takes steps. Asks until there is a server. */
  static async start(options: WorkerOptions): Promise<Worker> {
    const worker = new Worker(options);
    await worker.start();
    return worker;
  }

  /**
   * Starts a worker and runs it until the process gets one of the signals, or the server tells it to stop.
   *
   * @example
   * await Worker.run({ handlers: [validateCart, processPayment] });
   */
  static async run(options: WorkerOptions, signals?: readonly NodeJS.Signals[]): Promise<void> {
    const worker = new Worker(options);
    const ended = worker.untilSignalled(signals);
    await Promise.race([ended, worker.start()]);
    await ended;
  }

  /** Registers, and begins to take steps. */
  async start(): Promise<void> {
    try {
      await this.registration.register();
    } catch (error) {
      // It may have been told to end before there was a server.
      if (this.over.signal.aborted) return;
      this.failed(error);
      throw this.failure;
    }
    await this.heart.start(this.session);
    this.poll.run(this.noMore.signal).catch((error) => this.failed(error));
  }

  /** The id that the server knows this worker by. */
  get workerId(): string {
    return this.session.terms.worker_id;
  }

  get session(): Session {
    return this.registration.current;
  }

  /** Whether it may take steps. */
  get mayClaim(): boolean {
    return this.heart.state === "running" && !this.heart.isLapsed && !this.noMore.signal.aborted;
  }

  /**
   * Takes nothing more, lets what runs finish and be reported, and takes its leave; what takes longer than the time for a
   * stop goes back into the queue, and no attempt is spent. Throws what the worker failed of, if it did.
   */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  /** Resolves when the worker has ended: because of one of these signals, by the server's word, or by `stop`. */
  async untilSignalled(signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"]): Promise<void> {
    const stop = () => void this.stop().catch(() => {});
    for (const signal of signals) process.once(signal, stop);
    try {
      if (!this.silent.signal.aborted) await once(this.silent.signal, "abort");
      await this.stop();
    } finally {
      for (const signal of signals) process.removeListener(signal, stop);
    }
  }

  directive(said: string | undefined): void {
    if (said === "drain") this.drain();
    if (said === "stop") void this.stop().catch(() => {});
  }

  lost(leaseId: string, reason: string): void {
    this.leases.lose(leaseId, reason);
  }

  lapsed(): void {
    this.leases.warnAll("no heartbeat gets through: somebody else may run this step");
    this.room.changed();
  }

  recovered(): void {
    this.room.changed();
  }

  held(leaseIds: readonly string[]): void {
    for (const id of leaseIds) {
      const held = this.fresh.get(id);
      this.fresh.delete(id);
      if (held !== undefined) this.begin(held);
    }
    this.room.changed();
  }

  async unknown(session: Session): Promise<Session> {
    const anew = await this.registration.again(session, () => {
      this.log("warn", "the server has given this worker up: it registers again");
      this.leases.loseAll("the worker was given up: somebody else may run this step");
    });
    if (anew.terms.worker_id !== session.terms.worker_id) this.poll.renew();
    this.heart.renew(anew);
    return anew;
  }

  unknownAt(path: string): void {
    const { session } = this;
    // One of an earlier registration has been renewed since.
    if (session.path !== path) this.heart.renew(session);
    else this.unknown(session).catch((error) => this.failed(error));
  }

  /** What mustn't happen, or can't be helped, as credentials that don't do: the worker ends. */
  failed(error: unknown): void {
    if (this.failure !== undefined || this.over.signal.aborted) return;
    this.failure = error instanceof Refused ? error.error : error;
    this.log("error", `the worker ends: ${error instanceof Error ? error.message : error}`);
    void this.stop().catch(() => {});
    this.room.changed();
  }

  claimed({ leases = [], directive }: Claimed): void {
    const taken = this.leases.take(leases);
    for (const held of taken) {
      this.room.running++;
      this.fresh.set(held.lease.lease_id, held);
    }
    if (taken.length > 0) this.heart.hold(taken.map(({ lease }) => lease.lease_id));
    this.room.changed();
    this.directive(directive);
  }

  private begin(held: Held): void {
    if (!this.leases.holds(held)) this.room.running--;
    else if (this.heart.state === "draining") this.giveBack(held);
    else void this.run(held);
  }

  private async run(held: Held): Promise<void> {
    try {
      const result = await attempt(held, this.handlers, (lease, step) => this.resultOf(lease, step));
      if (this.leases.holds(held)) this.reporting.add(reportOf(held, result, this.session.terms.max_payload_bytes));
    } catch (error) {
      this.failed(error);
    } finally {
      this.room.running--;
      this.room.changed();
    }
  }

  private giveBack(held: Held): void {
    this.room.running--;
    this.reporting.add(givenBack(held, "the worker is about to end"));
  }

  private async resultOf(lease: Lease, step: string): Promise<Json> {
    const path = `/v1/leases/${encodeURIComponent(lease.lease_id)}/results`;
    const body = writeJson({ token: lease.token, step });
    const found = await this.link.ask("POST", path, body, { signal: this.over.signal });
    const { result } = found as unknown as FoundResult;
    return isObject(result as Json) ? (result?.result ?? null) : null;
  }

  private drain(): void {
    if (this.heart.state === "draining") return;
    this.heart.drain();
    this.held([...this.fresh.keys()]);
  }

  private async end(): Promise<void> {
    this.drain();
    this.noMore.abort("the worker is about to end");
    this.room.changed();
    await this.quiet();
    this.over.abort("the worker has ended");
    this.leases.warnAll("the worker ends");
    if (this.registration.isDone) await this.takeLeave();
    await this.heart.end();
    this.silent.abort("the worker has ended");
    this.link.close();
    if (this.failure !== undefined) throw this.failure;
  }

  /** Waits for what runs and its reports, as long as a stop may take. */
  private async quiet(): Promise<void> {
    let isPatient = true;
    const patience = setTimeout(() => {
      isPatient = false;
      this.room.changed();
    }, this.shutdownTimeoutMs);
    while ((this.room.running > 0 || !this.reporting.isIdle) && isPatient && this.failure === undefined) {
      await this.room.change();
    }
    clearTimeout(patience);
  }

  private async takeLeave(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(LAST_WORD_MS);
      await this.link.ask("DELETE", this.session.path, undefined, { signal });
    } catch (error) {
      this.log(
        "warn",
        `the server wasn't told that this worker ends: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}
