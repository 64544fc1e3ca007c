// Two steps of the checkout. A step that the context names as `trap` hangs in its first attempt, to be killed there.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { stepHandler, Worker } from "../../../clients/typescript/dist/index.js";

async function tell({ taskUuid, stepName, attempt, inputData }) {
  appendFileSync(process.env.CHECKOUT_EFFECTS, `${taskUuid} ${stepName} typescript ${attempt}\n`);
  if (inputData.trap === stepName && attempt === 1) await sleep(60_000);
}

const validateCart = stepHandler(
  "typescript_validate_cart",
  { inputs: { items: "items" } },
  async ({ items, context }) => {
    await tell(context);
    return {
      total_cents: items.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0),
      serial: 9007199254740993n,
    };
  },
);

const confirmOrder = stepHandler(
  "typescript_confirm_order",
  { dependsOn: { payment: "process_payment", stock: "reserve_stock" } },
  async ({ payment, stock, context }) => {
    await tell(context);
    return { charge: payment.charge, lines: stock.lines, serial: stock.serial };
  },
);

await Worker.run({ handlers: [validateCart, confirmOrder], namespaces: ["languages"] });
