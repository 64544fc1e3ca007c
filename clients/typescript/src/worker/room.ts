/**
 * How many more steps a worker may take: its slots, less what is on its way to them.
 *
 * A finished step keeps its slot until it is reported, so that the report itself can claim the next one for it.
 */
export class Room {
  /** Handlers that run, or are about to. */
  running = 0;
  /** Finished steps whose reports wait to be sent. */
  finished = 0;
  /** As many as open claims may bring, of the long poll and of reports. */
  polled = 0;
  claimed = 0;

  private readonly waiting = new Set<() => void>();

  constructor(private readonly slots: number) {}

  get free(): number {
    return Math.max(0, this.slots - this.running - this.finished - this.polled - this.claimed);
  }

  /** Tells those who wait that something has changed. */
  changed(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  /** Resolves at the next change. */
  change(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }
}
