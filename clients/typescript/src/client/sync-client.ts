import { ServerError } from "../errors/index.js";
import type { ConnectionSettings } from "../http/settings.js";
import { type Call, type Calls, resultOf } from "./call.js";
import { Client } from "./client.js";
import type { FfiLayer } from "./ffi-layer.js";
import { Line } from "./line.js";
import { type ClientOptions, clientSettings } from "./options.js";
import type { HealthResponse } from "./responses.js";
import { unhealthy } from "./task-calls.js";
import type { Origin } from "./wishes.js";

/**
 * Asks a `tasker server`, and returns when the answer is there: nothing has to be awaited. Meanwhile the event loop stands
 * still, for the fraction of a millisecond that most answers take; `wait` blocks for as long as it waits.
 *
 * @example
 * const ffi = new FfiLayer();
 * await ffi.load();
 * const client = new TaskerClient(ffi);
 * const task = client.createTask({ name: "checkout", namespace: "shop", context: { sku: "tea", quantity: 2 } });
 * console.log(task.task_uuid, task.status);
 */
export class TaskerClient extends Client<"value"> {
  protected readonly origin: Origin;
  private readonly settings: ConnectionSettings;
  private readonly line: Line;

  constructor(given: FfiLayer | ClientOptions = {}) {
    super();
    ({ settings: this.settings, origin: this.origin } = clientSettings(given));
    this.line = new Line(this.settings);
  }

  /** Ends the thread that asks, and its connections; the next call makes another. */
  close(): void {
    this.line.close();
  }

  protected ask<R>(call: Call<R>): R {
    if (call.pauseMs) this.line.sleep(call.pauseMs);
    return resultOf(call, this.line.ask(call.question), this.settings.url);
  }

  protected askThrough<R>(calls: Calls<R>): R {
    let step = calls.next();
    while (!step.done) step = calls.next(this.ask(step.value));
    return step.value;
  }

  protected askHealth(call: Call<HealthResponse>): HealthResponse {
    try {
      return this.ask(call);
    } catch (error) {
      if (error instanceof ServerError) return unhealthy();
      throw error;
    }
  }
}
