import { Hono } from "hono";
import { type AsyncTaskerClient, InvalidRequestError, SchemaViolationError, ServerError } from "tasker-core";
import type { Order, Orders, Wish } from "./orders.js";

/** The shop's routes: orders are placed, and looked at. */
export function routes(orders: Orders, client: AsyncTaskerClient): Hono {
  const app = new Hono();

  app.post("/orders", async (request) => {
    const wish = (await request.req.json().catch(() => ({}))) as Partial<Wish>;
    if (typeof wish.cart !== "string" || wish.cart === "") {
      return request.json({ error: "cart must be a text: the same for each click of one customer" }, 422);
    }
    if (!Array.isArray(wish.items) || typeof wish.email !== "string" || typeof wish.card !== "string") {
      return request.json({ error: "an order has items, an email and a card" }, 422);
    }
    const { cart, email, card, items } = wish;
    const order = orders.place({ cart, email, card, items });
    try {
      await handOver(order, orders, client);
      return request.json(shown(order), 201);
    } catch (error) {
      if (error instanceof SchemaViolationError)
        return request.json({ error: error.message, wrong: error.violations }, 422);
      if (error instanceof InvalidRequestError) return request.json({ error: error.message, field: error.field }, 422);
      // The order stands. Its task is created by the customer's next click, or when the shop next looks.
      if (error instanceof ServerError) return request.json(shown(order), 202);
      throw error;
    }
  });

  app.get("/orders/:id", async (request) => {
    const order = orders.find(request.req.param("id"));
    if (order === undefined) return request.json({ error: "there is no such order" }, 404);
    if (order.taskUuid === null) return request.json({ ...shown(order), status: "placed" });
    const task = await client.getTask(order.taskUuid);
    const done = task.steps.filter((step) => step.current_state === "complete").map((step) => step.name);
    return request.json({ ...shown(order), status: task.status, done, charge: order.charge });
  });

  return app;
}

/** Creates the task of an order: one, however often it is tried. */
export async function handOver(order: Order, orders: Orders, client: AsyncTaskerClient): Promise<void> {
  if (order.taskUuid !== null) return;
  const { orderId, email, card, items } = order;
  const task = await client.createTask(
    {
      name: "checkout",
      namespace: "bun_shop",
      context: { order_id: orderId, email, card, items },
      initiator: email,
      sourceSystem: "bun-shop",
      reason: "an order was placed",
      idempotencyKey: orderId,
    },
    { onDuplicate: "return" },
  );
  orders.handedOver(orderId, task.task_uuid);
}

function shown(order: Order): { order_id: string; task_uuid: string | null } {
  return { order_id: order.orderId, task_uuid: order.taskUuid };
}
