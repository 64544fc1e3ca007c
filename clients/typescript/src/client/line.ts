import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { ServerError } from "../errors/index.js";
import type { ConnectionSettings } from "../http/settings.js";
import type { LastWord, Question } from "../http/tries.js";

/** What the thread at the other end is given. */
export interface LineEnd {
  readonly settings: ConnectionSettings;
  readonly port: MessagePort;
  readonly bell: Int32Array;
}

// A thread that is only just starting gets that much longer than a question may take.
const PATIENCE_MS = 10_000;

/**
 * A line to a thread that asks the server while this one stands still.
 *
 * The question goes as a message. The thread sends the answer back and rings: it raises the one number in memory that both
 * see, on which this one sleeps.
 */
export class Line {
  private open: { thread: Worker; port: MessagePort } | null = null;
  private readonly bell = new Int32Array(new SharedArrayBuffer(4));

  constructor(private readonly settings: ConnectionSettings) {}

  /** The last word to `question`. Throws ServerError if the thread doesn't answer at all. */
  ask(question: Question): LastWord {
    const { port } = this.opened();
    let rung = Atomics.load(this.bell, 0);
    port.postMessage(question);
    const deadline = performance.now() + this.settings.timeoutMs + (question.waitingMs ?? 0) + PATIENCE_MS;
    for (;;) {
      const told = receiveMessageOnPort(port);
      if (told !== undefined) return told.message;
      const left = deadline - performance.now();
      if (left <= 0) {
        this.close();
        throw new ServerError(`the thread that asks ${this.settings.url} doesn't answer`, { retryable: true });
      }
      Atomics.wait(this.bell, 0, rung, left);
      rung = Atomics.load(this.bell, 0);
    }
  }

  sleep(milliseconds: number): void {
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(nobody, 0, 0, milliseconds);
  }

  close(): void {
    this.open?.port.close();
    void this.open?.thread.terminate();
    this.open = null;
  }

  private opened(): { thread: Worker; port: MessagePort } {
    if (this.open === null) {
      const { port1, port2 } = new MessageChannel();
      const end: LineEnd = { settings: this.settings, port: port2, bell: this.bell };
      const thread = new Worker(new URL("./thread.js", import.meta.url), { workerData: end, transferList: [port2] });
      // Neither keeps a process alive that has nothing else to do.
      thread.unref();
      port1.unref();
      this.open = { thread, port: port1 };
    }
    return this.open;
  }
}
