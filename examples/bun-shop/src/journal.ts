import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A file of entries, one JSON line each: what was written is there after a crash. One process writes it. */
export class Journal<Entry> {
  private readonly file: number;

  constructor(
    private readonly path: string,
    take: (entry: Entry) => void,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    for (const line of this.whole()) take(JSON.parse(line) as Entry);
    this.file = openSync(path, "a");
  }

  write(entry: Entry): void {
    writeSync(this.file, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
  }

  /** The lines that were written to their end; one that was cut short by a crash never counted, and goes. */
  private whole(): string[] {
    if (!existsSync(this.path)) return [];
    const text = readFileSync(this.path);
    const end = text.lastIndexOf("\n") + 1;
    if (end < text.length) truncateSync(this.path, end);
    return text.subarray(0, end).toString().split("\n").slice(0, -1);
  }
}
