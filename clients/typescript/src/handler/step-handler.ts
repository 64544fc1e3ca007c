import type { StepContext } from "./context.js";
import { type Metadata, StepHandlerResult } from "./result.js";

/**
 * The base of handlers that are classes. A new instance is made for every attempt.
 *
 * @example
 * class ChargeCard extends StepHandler {
 *   static override readonly handlerName = "shop_charge_card";
 *
 *   async call(context: StepContext): Promise<StepHandlerResult> {
 *     const charge = await gateway.charge(context.getInput("card"), context.idempotencyKey);
 *     return this.success({ charge: charge.id });
 *   }
 * }
 */
export abstract class StepHandler {
  /** The name that templates call it by; else the name of the class. */
  static readonly handlerName: string = "";
  static readonly handlerVersion: string = "1.0.0";
  /** Where it serves only one namespace. */
  static readonly namespace: string | null = null;
  /** Earlier steps whose results are to come along besides those of the step's own dependencies. */
  static readonly declaredDependencies: readonly string[] = [];

  abstract call(context: StepContext): StepHandlerResult | Promise<StepHandlerResult>;

  success(result: unknown = {}, metadata: Metadata = {}): StepHandlerResult {
    return StepHandlerResult.success(result, metadata);
  }

  failure(
    message: string,
    errorType = "handler_error",
    retryable = true,
    metadata: Metadata = {},
    errorCode?: string,
  ): StepHandlerResult {
    return StepHandlerResult.failure(message, { errorType, retryable, metadata, errorCode });
  }

  /** Keeps how far the step is: it is called again, with `context.checkpoint`, and no attempt is spent. */
  checkpointYield(cursor: unknown, itemsProcessed: number, accumulatedResults: unknown = null): StepHandlerResult {
    return StepHandlerResult.checkpoint(cursor, itemsProcessed, accumulatedResults);
  }
}

/** A class of handlers: what a worker is given. */
export interface StepHandlerClass {
  readonly name: string;
  readonly handlerName: string;
  readonly handlerVersion: string;
  readonly namespace: string | null;
  readonly declaredDependencies: readonly string[];
  new (): StepHandler;
}
