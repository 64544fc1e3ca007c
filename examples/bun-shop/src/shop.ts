import type { Hono } from "hono";
import { AsyncTaskerClient, ServerError, Worker } from "tasker-core";
import { Gateway } from "./gateway.js";
import { handlers } from "./handlers.js";
import { Orders } from "./orders.js";
import { handOver, routes } from "./routes.js";
import type { Settings } from "./settings.js";

const LOOKS_EVERY_MS = 5_000;

/** The shop: its routes, and a worker that runs the steps of its orders. */
export class Shop {
  readonly orders: Orders;
  readonly app: Hono;
  private readonly looking: NodeJS.Timeout;

  private constructor(
    private readonly client: AsyncTaskerClient,
    private readonly worker: Worker,
    orders: Orders,
  ) {
    this.orders = orders;
    this.app = routes(orders, client);
    this.looking = setInterval(() => void this.handOverWaiting(), LOOKS_EVERY_MS);
  }

  static async open(settings: Settings): Promise<Shop> {
    const orders = new Orders(settings.journal);
    const client = new AsyncTaskerClient({ initiator: "bun-shop", sourceSystem: "bun-shop" });
    const steps = handlers(orders, new Gateway(settings.gatewayUrl), settings.mails);
    const worker = await Worker.start({ handlers: steps, namespaces: ["bun_shop"] });
    return new Shop(client, worker, orders);
  }

  /** Creates the tasks of orders that were placed while the server was away. */
  async handOverWaiting(): Promise<void> {
    for (const order of this.orders.waiting) {
      await handOver(order, this.orders, this.client).catch((error) => {
        if (!(error instanceof ServerError)) console.error(`order ${order.orderId}: ${error}`);
      });
    }
  }

  /** Lets what runs finish. */
  async close(): Promise<void> {
    clearInterval(this.looking);
    await this.worker.stop();
    this.client.close();
    this.orders.close();
  }
}
