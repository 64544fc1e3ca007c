import type { Lease } from "./messages.js";

/** A lease that is held: until its report is answered, or it is lost. */
export class Held {
  private readonly controller = new AbortController();

  constructor(readonly lease: Lease) {}

  /** Is aborted with the reason why the handler's work is in vain. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Tells the handler that it is cancelled. */
  cancel(reason: string): void {
    this.controller.abort(reason);
  }
}

/** Is told what isn't held any more. */
export interface LeasesListener {
  letGo(id: string): void;
}

/** The leases that this worker believes it holds: waiting to run, running, or finished and not yet answered. */
export class Leases {
  private readonly byId = new Map<string, Held>();

  constructor(private readonly listener: LeasesListener) {}

  /** Those of `leases` that weren't held yet: a repeated answer names some again. */
  take(leases: readonly Lease[]): Held[] {
    const fresh = leases.filter(({ lease_id }) => !this.byId.has(lease_id)).map((lease) => new Held(lease));
    for (const held of fresh) this.byId.set(held.lease.lease_id, held);
    return fresh;
  }

  holds({ lease }: Held): boolean {
    return this.byId.has(lease.lease_id);
  }

  /** The lease has been answered for good. */
  release({ lease }: Held): void {
    this.forget(lease.lease_id);
  }

  /** Somebody else has the step, or may have it: its handler is told, and nothing is reported. */
  lose(leaseId: string, reason: string): void {
    this.byId.get(leaseId)?.cancel(reason);
    this.forget(leaseId);
  }

  loseAll(reason: string): void {
    for (const id of [...this.byId.keys()]) this.lose(id, reason);
  }

  /** Handlers are told that their leases may be lost; what they finish all the same is reported. */
  warnAll(reason: string): void {
    for (const held of this.byId.values()) held.cancel(reason);
  }

  private forget(leaseId: string): void {
    if (this.byId.delete(leaseId)) this.listener.letGo(leaseId);
  }
}
