import { setTimeout as sleep } from "node:timers/promises";
import type { HandlerRegistry } from "../handler/registry.js";
import { writeJson } from "../json/write.js";
import { newUuid } from "../uuid.js";
import { VERSION } from "../version.js";
import { growingPause, type Link } from "./link.js";
import type { Terms } from "./messages.js";

/** A session that doesn't last for so many heartbeats is over too soon. */
const SHORT_LIFE = 2;

/** What a worker says of itself. */
export interface Introduction {
  readonly name: string;
  readonly namespaces: readonly string[] | null;
  readonly slots: number;
}

/** One registration with a server: the terms, and when it was asked for. */
export interface Session {
  readonly terms: Terms;
  readonly path: string;
  readonly askedAt: number;
}

/** Registers a worker, and again where the server has given it up: under the same instance id, which is its own. */
export class Registration {
  private session: Session | null = null;
  private asking: Promise<Session> | null = null;
  private shortLived = 0;
  private readonly body: string;

  constructor(
    private readonly link: Link,
    handlers: HandlerRegistry,
    introduction: Introduction,
    private readonly signal: AbortSignal,
  ) {
    this.body = writeJson({
      instance_id: newUuid(),
      name: introduction.name,
      language: "typescript",
      sdk_version: VERSION,
      namespaces: introduction.namespaces ?? undefined,
      slots: introduction.slots,
      handlers: handlers.all.map(([callable, handler]) => ({
        callable,
        namespace: handler.namespace ?? undefined,
        dependencies: handler.declaredDependencies.length > 0 ? handler.declaredDependencies : undefined,
      })),
    });
  }

  /** The session that counts. */
  get current(): Session {
    if (this.session === null) throw new Error("the worker isn't registered yet");
    return this.session;
  }

  get isDone(): boolean {
    return this.session !== null;
  }

  /** Asks until the worker is registered. */
  async register(): Promise<Session> {
    const askedAt = performance.now();
    const terms = (await this.link.ask("POST", "/v1/workers", this.body, { signal: this.signal })) as unknown as Terms;
    this.session = { terms, path: `/v1/workers/${encodeURIComponent(terms.worker_id)}`, askedAt };
    return this.session;
  }

  /** Registers again, once, however many have found that `session` is over; `lost` is called before. */
  async again(session: Session, lost: () => void): Promise<Session> {
    if (session !== this.session) return this.current;
    if (this.asking === null) {
      lost();
      this.asking = this.afterAPause(session).finally(() => {
        this.asking = null;
      });
    }
    return this.asking;
  }

  /** A server that registers a worker and knows nothing of it the next moment isn't to be stormed. */
  private async afterAPause({ terms, askedAt }: Session): Promise<Session> {
    this.shortLived = performance.now() - askedAt < SHORT_LIFE * terms.heartbeat_ms ? this.shortLived + 1 : 0;
    if (this.shortLived > 1) await sleep(growingPause(this.shortLived), undefined, { signal: this.signal });
    return this.register();
  }
}
