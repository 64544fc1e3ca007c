import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PermanentError, type StepHandlerClass, stepHandler, typed } from "tasker-core";
import type { Charge, Gateway } from "./gateway.js";
import type { Item, Orders } from "./orders.js";

/** The five steps of the checkout. Each may run twice without harm. */
export function handlers(orders: Orders, gateway: Gateway, mails: string): StepHandlerClass[] {
  const orderId = typed<string>("order_id");
  const items = typed<readonly Item[]>("items");
  const cart = typed<{ total_cents: number }>("validate_cart");
  const charge = typed<Charge>("process_payment");

  const validateCart = stepHandler("bun_validate_cart", { inputs: { items } }, ({ items }) => ({
    total_cents: orders.price(items),
  }));

  const processPayment = stepHandler(
    "bun_process_payment",
    { dependsOn: { cart }, inputs: { card: typed<string>("card") } },
    // The key is the same in every attempt: what was charged isn't charged again.
    ({ cart, card, context }) => gateway.charge(cart.total_cents, card, context.idempotencyKey, context.signal),
  );

  const reserveStock = stepHandler(
    "bun_reserve_stock",
    { dependsOn: { charge }, inputs: { orderId, items } },
    async ({ charge, orderId, items, context }) => {
      try {
        orders.reserve(orderId, items);
      } catch (error) {
        // Someone was faster: the money goes back, and the order ends here.
        if (error instanceof PermanentError) {
          await gateway.refund(charge.charge_id, `${context.idempotencyKey}:refund`, context.signal);
        }
        throw error;
      }
      return { lines: items.length };
    },
  );

  const confirmOrder = stepHandler(
    "bun_confirm_order",
    { dependsOn: { charge }, inputs: { orderId } },
    ({ charge, orderId }) => {
      orders.confirm(orderId, charge.charge_id, charge.amount_cents);
      return { order_id: orderId, total_cents: charge.amount_cents };
    },
  );

  const sendConfirmation = stepHandler(
    "bun_send_confirmation",
    {
      dependsOn: { confirmed: typed<{ order_id: string; total_cents: number }>("confirm_order") },
      inputs: { email: typed<string>("email") },
    },
    async ({ confirmed, email, context }) => {
      const euros = (confirmed.total_cents / 100).toFixed(2);
      const text = `To: ${email}\n\nYour order ${confirmed.order_id} over ${euros} EUR is on its way.\n`;
      await mkdir(mails, { recursive: true });
      await writeFile(join(mails, `${context.taskUuid}.txt`), text);
      return { sent_to: email };
    },
  );

  return [validateCart, processPayment, reserveStock, confirmOrder, sendConfirmation];
}
