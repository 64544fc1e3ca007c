import assert from "node:assert/strict";
import { test } from "node:test";
import {
  HandlerDeclarationError,
  HandlerRegistry,
  type Json,
  PermanentError,
  RetryableError,
  type StepContext,
  StepHandler,
  StepHandlerResult,
  stepContext,
  stepHandler,
  typed,
} from "../src/index.js";

interface Cart {
  total_cents: number;
}

/** As a schema of zod's: an object with `parse`. */
const card = {
  parse(value: unknown): string {
    if (typeof value !== "string") throw new Error(`expected a string, received ${typeof value}`);
    return value;
  },
};

const processPayment = stepHandler(
  "shop_process_payment",
  { dependsOn: { cart: typed<Cart>("validate_cart"), note: "write_note" }, inputs: { card: ["card", card] } },
  async ({ cart, note, card, context }) => {
    const cents: number = cart.total_cents;
    const anything: Json = note;
    const text: string = card;
    if (text === "tok_declined") throw new PermanentError("card declined", { code: "card_declined" });
    return { cents, anything, text, key: context.idempotencyKey };
  },
);

const context = (card: Json) =>
  stepContext({
    taskUuid: "t",
    stepName: "process_payment",
    inputData: { card },
    dependencyResults: { validate_cart: { result: { total_cents: 450 } } },
  });

test("what a handler declares is handed to it", async () => {
  const result = await new processPayment().call(context("tok_visa"));
  assert.deepEqual(result.result, { cents: 450, anything: null, text: "tok_visa", key: "t:process_payment" });
  assert.deepEqual(processPayment.declaredDependencies, ["validate_cart", "write_note"]);
});

test("the errors of a function end its step as their classes say", async () => {
  const declined = await new processPayment().call(context("tok_declined"));
  assert.deepEqual(declined.ending, {
    kind: "failure",
    message: "card declined",
    errorType: "permanent_error",
    errorCode: "card_declined",
    retryable: false,
    retryAfterMs: undefined,
    metadata: {},
  });
  const spoiled = await new processPayment().call(context(7));
  assert.ok(spoiled.ending.kind === "failure");
  assert.deepEqual([spoiled.ending.errorType, spoiled.ending.retryable], ["validation_error", false]);
  assert.match(spoiled.ending.message, /the context's field 'card' doesn't fit: expected a string/);

  const failing = (error: unknown) =>
    stepHandler("failing", {}, () => {
      throw error;
    });
  const later = await new (failing(new RetryableError("later", { retryAfterMs: 5_000 })))().call(stepContext());
  assert.ok(later.ending.kind === "failure");
  assert.deepEqual([later.ending.errorType, later.ending.retryAfterMs], ["retryable_error", 5_000]);
  const bug = await new (failing(new TypeError("x is not a function")))().call(stepContext());
  assert.ok(bug.ending.kind === "failure");
  assert.deepEqual([bug.ending.errorType, bug.ending.retryable], ["handler_error", true]);
  assert.match(bug.ending.backtrace?.join("\n") ?? "", /handler\.test/);
});

test("what a function returns is its result: an object as it is, nothing as {}, all else under result", async () => {
  const returned = async (value: unknown) =>
    (await new (stepHandler("returns", {}, () => value))().call(stepContext())).result;
  assert.deepEqual(await returned({ a: 1 }), { a: 1 });
  assert.deepEqual(await returned(undefined), {});
  assert.deepEqual(await returned([1, 2]), { result: [1, 2] });
  assert.deepEqual(await returned(StepHandlerResult.success("as it is")), "as it is");
});

test("the whole context can be read at once", async () => {
  const handler = stepHandler(
    "whole",
    { inputs: (value: Json) => value as unknown as { sku: string } },
    ({ inputs }) => inputs.sku,
  );
  const result = await new handler().call(stepContext({ inputData: { sku: "tea" } }));
  assert.deepEqual(result.result, { result: "tea" });
});

test("a declaration that can't work is refused where it stands", () => {
  const twice = { dependsOn: { card: "a_step" }, inputs: { card: "card" } };
  assert.throws(() => stepHandler("twice", twice, () => ({})), /takes 'card' from a step and from the context/);
  assert.throws(() => stepHandler("", {}, () => ({})), HandlerDeclarationError);
  assert.throws(() => stepHandler("own", { inputs: { context: "x" } }, () => ({})), /'context' is the StepContext/);
  const one = stepHandler("same", {}, () => ({}));
  const other = stepHandler("same", {}, () => ({}));
  assert.throws(() => new HandlerRegistry([one, other]), /two handlers are called 'same'/);
});

test("a class is a handler under its name, or that of its own", () => {
  class ShipOrder extends StepHandler {
    call(context: StepContext): StepHandlerResult {
      return this.success({ attempt: context.attempt });
    }
  }
  class Named extends ShipOrder {
    static override readonly handlerName = "shop_ship_order";
  }
  assert.deepEqual(new HandlerRegistry([ShipOrder, Named]).names, ["ShipOrder", "shop_ship_order"]);
});

test("a context tells what came before", async () => {
  const batch = { process_001: { result: { n: 1 } }, process_002: { result: { n: 2 } }, other: null };
  const context = stepContext({
    attempt: 3,
    dependencyResults: batch,
    checkpoint: { cursor: 500, items_processed: 500, accumulated_results: { sum: 7 } },
    stepConfig: { currency: "EUR" },
  });
  assert.deepEqual(context.getAllDependencyResults("process_"), [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(context.getDependencyField("process_001", "n"), 1);
  assert.equal(context.getDependencyResult("other"), null);
  assert.deepEqual([context.isRetry(), context.isLastRetry(), context.retryCount], [true, true, 2]);
  assert.deepEqual([context.checkpointCursor, context.checkpointItemsProcessed], [500, 500]);
  assert.deepEqual([context.accumulatedResults, context.getConfig("currency")], [{ sum: 7 }, "EUR"]);
});
