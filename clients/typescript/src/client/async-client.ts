import { setTimeout as sleep } from "node:timers/promises";
import { ServerError } from "../errors/index.js";
import { Exchange } from "../http/exchange.js";
import type { ConnectionSettings } from "../http/settings.js";
import { lastWord } from "../http/tries.js";
import { type Call, type Calls, resultOf } from "./call.js";
import { Client } from "./client.js";
import type { FfiLayer } from "./ffi-layer.js";
import { type ClientOptions, clientSettings } from "./options.js";
import type { HealthResponse } from "./responses.js";
import { unhealthy } from "./task-calls.js";
import type { Origin } from "./wishes.js";

/**
 * Asks a `tasker server`; every method answers with a promise. This is the one for web servers and workers.
 *
 * @example
 * const client = new AsyncTaskerClient({ url: "http://127.0.0.1:8080", initiator: "web", sourceSystem: "shop" });
 * const task = await client.createTask({ name: "checkout", namespace: "shop", context: { sku: "tea", quantity: 2 } });
 * const done = await client.wait(task.task_uuid, { timeoutMs: 30_000 });
 */
export class AsyncTaskerClient extends Client<"promise"> {
  protected readonly origin: Origin;
  private readonly settings: ConnectionSettings;
  private readonly exchange: Exchange;

  constructor(given: FfiLayer | ClientOptions = {}) {
    super();
    ({ settings: this.settings, origin: this.origin } = clientSettings(given));
    this.exchange = new Exchange(this.settings);
  }

  /** Lets go of the connections. */
  close(): void {
    this.exchange.close();
  }

  protected async ask<R>(call: Call<R>): Promise<R> {
    if (call.pauseMs) await sleep(call.pauseMs);
    return resultOf(call, await lastWord(this.exchange, this.settings, call.question), this.settings.url);
  }

  protected async askThrough<R>(calls: Calls<R>): Promise<R> {
    let step = calls.next();
    while (!step.done) step = calls.next(await this.ask(step.value));
    return step.value;
  }

  protected async askHealth(call: Call<HealthResponse>): Promise<HealthResponse> {
    try {
      return await this.ask(call);
    } catch (error) {
      if (error instanceof ServerError) return unhealthy();
      throw error;
    }
  }
}
