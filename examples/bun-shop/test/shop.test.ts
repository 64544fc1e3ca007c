// Against a Tasker server (TASKER_URL) that knows config/tasks/checkout.yaml, and the gateway of the checkout example.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AsyncTaskerClient } from "tasker-core";
import { Orders } from "../src/orders.js";
import { routes } from "../src/routes.js";
import { settings } from "../src/settings.js";
import { Shop } from "../src/shop.js";

interface Shown {
  order_id: string;
  task_uuid: string | null;
  status: string;
  done: string[];
  charge: { totalCents: number } | null;
  error?: string;
}

const directory = () => mkdtempSync(join(tmpdir(), "bun-shop-"));

async function within(play: (shop: Shop, directory: string) => Promise<void>): Promise<void> {
  const place = directory();
  const shop = await Shop.open(settings({ ...process.env, SHOP_DIRECTORY: place }));
  try {
    await play(shop, place);
  } finally {
    await shop.close();
  }
}

async function place(app: Shop["app"], wish: object): Promise<[status: number, shown: Shown]> {
  const items = [{ sku: "tea", quantity: 2 }];
  const body = JSON.stringify({ cart: "c-1", email: "ann@example.com", card: "tok_visa", items, ...wish });
  const answer = await app.request("/orders", { method: "POST", body });
  return [answer.status, (await answer.json()) as Shown];
}

async function finished({ app }: Shop, { order_id }: Shown): Promise<Shown> {
  for (let tries = 0; tries < 1_000; tries++) {
    const shown = (await (await app.request(`/orders/${order_id}`)).json()) as Shown;
    if (shown.status === "complete" || shown.status === "blocked_by_failures") return shown;
    await sleep(20);
  }
  throw new Error(`order ${order_id} isn't finished`);
}

async function charges(order: Shown): Promise<{ amount_cents: number; refunded?: boolean | number }[]> {
  const key = encodeURIComponent(`${order.task_uuid}:process_payment`);
  const answer = await fetch(`${settings().gatewayUrl}/charges?idempotency_key=${key}`);
  return ((await answer.json()) as { charges: { amount_cents: number }[] }).charges;
}

test("an order goes from the cart to the mail, and who clicks twice buys once", () =>
  within(async (shop, directory) => {
    const [status, order] = await place(shop.app, {});
    assert.equal(status, 201);
    assert.deepEqual(await place(shop.app, {}), [201, order]);
    const shown = await finished(shop, order);
    assert.deepEqual([shown.status, shown.charge?.totalCents, shown.done.length], ["complete", 900, 5]);
    assert.deepEqual(
      (await charges(order)).map((charge) => charge.amount_cents),
      [900],
    );
    assert.equal(shop.orders.stock("tea"), 98);
    const mail = readFileSync(join(directory, "mails", `${order.task_uuid}.txt`), "utf8");
    assert.match(mail, /^To: ann@example.com.*9\.00 EUR/s);
  }));

test("a gateway that is busy is asked again", () =>
  within(async (shop) => {
    const [, order] = await place(shop.app, { card: "tok_error_once" });
    assert.equal((await finished(shop, order)).status, "complete");
    assert.equal((await charges(order)).length, 1);
  }));

test("a declined card ends it, and what the shop doesn't sell isn't charged", () =>
  within(async (shop) => {
    const [, declined] = await place(shop.app, { card: "tok_declined" });
    const shown = await finished(shop, declined);
    assert.deepEqual([shown.status, shown.done, shown.charge], ["blocked_by_failures", ["validate_cart"], null]);
    const [, gold] = await place(shop.app, { cart: "c-2", items: [{ sku: "gold", quantity: 1 }] });
    assert.deepEqual((await finished(shop, gold)).done, []);
    assert.deepEqual(await charges(gold), []);
  }));

test("goods that are sold out after the charge: the money goes back", () =>
  within(async (shop) => {
    const [, order] = await place(shop.app, { items: [{ sku: "pot", quantity: 6 }] });
    const shown = await finished(shop, order);
    assert.deepEqual(shown.done, ["validate_cart", "process_payment"]);
    assert.ok((await charges(order))[0]?.refunded);
    assert.equal(shop.orders.stock("pot"), 5);
  }));

test("an order that can't be is refused", () =>
  within(async (shop) => {
    assert.equal((await place(shop.app, { cart: "" }))[0], 422);
    const [status, { error }] = await place(shop.app, { items: [] });
    assert.equal(status, 422);
    assert.match(error ?? "", /items/);
    assert.equal((await shop.app.request("/orders/4711")).status, 404);
  }));

test("an order that is placed while the server is away is handed over later, and survives a crash", async () => {
  const journal = join(directory(), "orders.jsonl");
  const before = new Orders(journal);
  const [status, order] = await place(
    routes(before, new AsyncTaskerClient({ url: "http://127.0.0.1:9", retries: 0 })),
    {},
  );
  assert.deepEqual([status, order.task_uuid], [202, null]);
  before.close();
  appendFileSync(journal, '{"what":"handed over","orderId":"cut sh');

  const after = new Orders(journal);
  assert.deepEqual(
    after.waiting.map(({ orderId }) => orderId),
    [order.order_id],
  );
  const [again, handedOver] = await place(routes(after, new AsyncTaskerClient()), {});
  assert.deepEqual([again, handedOver.order_id], [201, order.order_id]);
  assert.deepEqual(after.waiting, []);
  await new AsyncTaskerClient().cancelTask(handedOver.task_uuid ?? "");
  after.close();
});
