import {
  HandlerDeclarationError,
  PermanentError,
  RetryableError,
  TaskerError,
  ValidationError,
} from "../errors/index.js";
import type { Json } from "../json/json.js";
import type { StepContext } from "./context.js";
import { failureOf } from "./failures.js";
import { StepHandlerResult } from "./result.js";
import { StepHandler, type StepHandlerClass } from "./step-handler.js";

/** Makes a value of what came as JSON, and throws for what doesn't fit: a function, or an object with `parse`, as zod's are. */
export type Parse<T> = ((value: Json) => T) | { parse(value: unknown): T };

/** What a parameter is taken from: a name, or a name with what reads the value. */
export type Source<T> = string | readonly [name: string, parse: Parse<T>];

type Sources = Readonly<Record<string, Source<unknown>>>;
type Taken<S> = S extends readonly [string, Parse<infer T>] ? T : Json;

/** What a handler declares: what is declared is handed to it, under the names that it gives. */
export interface Declaration<D extends Sources, I extends Sources | Parse<unknown>> {
  /** By parameter the step whose result it is; null where there is none. */
  readonly dependsOn?: D;
  /** By parameter the field of the task's context, null where there is none; or what reads the whole context, as `inputs`. */
  readonly inputs?: I;
  readonly version?: string;
  /** Where it serves only one namespace. */
  readonly namespace?: string;
}

type Inputs<I> = I extends Parse<infer T> ? { readonly inputs: T } : { readonly [K in keyof I]: Taken<I[K]> };

/** What a handler is called with. */
export type Parameters<D, I> = { readonly [K in keyof D]: Taken<D[K]> } & Inputs<I> & { readonly context: StepContext };

/** A handler class made of a function, which is there to be tested by itself. */
export interface FunctionHandler<P, R> extends StepHandlerClass {
  readonly handle: (parameters: P) => R;
}

/**
 * The handler of a step, as a function. What it returns is its result: an object as it is, nothing as `{}`, anything else
 * under `result`.
 *
 * @example
 * const processPayment = stepHandler(
 *   "shop_process_payment",
 *   { dependsOn: { cart: typed<Cart>("validate_cart") }, inputs: { card: ["card", z.string()] } },
 *   async ({ cart, card, context }) => {
 *     if (card === "tok_declined") throw new PermanentError("card declined", { code: "card_declined" });
 *     return { charge: await gateway.charge(card, cart.total_cents, context.idempotencyKey) };
 *   },
 * );
 */
export function stepHandler<
  const D extends Sources = Record<never, never>,
  const I extends Sources | Parse<unknown> = Record<never, never>,
  R = unknown,
>(
  name: string,
  declaration: Declaration<D, I>,
  handle: (parameters: Parameters<D, I>) => R,
): FunctionHandler<Parameters<D, I>, R> {
  refuseMisdeclared(name, declaration);
  const { dependsOn, inputs, version = "1.0.0", namespace = null } = declaration;
  return class extends StepHandler {
    static override readonly handlerName = name;
    static override readonly handlerVersion = version;
    static override readonly namespace = namespace;
    static override readonly declaredDependencies = Object.values(dependsOn ?? {}).map(nameOf);
    static readonly handle = handle;

    async call(context: StepContext): Promise<StepHandlerResult> {
      try {
        const results = takeEach(dependsOn ?? {}, (step) => context.getDependencyResult(step), "the result of step");
        const parameters = { ...results, ...takeInputs(inputs, context), context };
        return wrapped(await handle(parameters as Parameters<D, I>));
      } catch (error) {
        return StepHandlerResult.failure(...failureOf(error, errorTypeOf(error)));
      }
    }
  };
}

/**
 * A source whose value is taken to be a `T`, without looking: for results whose steps are your own.
 *
 * @example
 * stepHandler("shop_mail", { dependsOn: { charge: typed<Charge>("process_payment") } }, ({ charge }) => charge.id);
 */
export function typed<T>(name: string): readonly [name: string, parse: (value: Json) => T] {
  return [name, (value) => value as T];
}

function takeInputs(inputs: Sources | Parse<unknown> | undefined, context: StepContext): Record<string, unknown> {
  if (inputs === undefined) return {};
  if (isParse(inputs)) return { inputs: parsed(inputs, context.inputData, "the task's context") };
  return takeEach(inputs, (field) => context.getInput(field) ?? null, "the context's field");
}

function takeEach(sources: Sources, read: (name: string) => Json, what: string): Record<string, unknown> {
  const taken = Object.entries(sources).map(([parameter, source]) => {
    const value = read(nameOf(source));
    return [parameter, typeof source === "string" ? value : parsed(source[1], value, `${what} '${source[0]}'`)];
  });
  return Object.fromEntries(taken);
}

function parsed(parse: Parse<unknown>, value: Json, what: string): unknown {
  try {
    return typeof parse === "function" ? parse(value) : parse.parse(value);
  } catch (error) {
    if (error instanceof TaskerError) throw error;
    throw new ValidationError(`${what} doesn't fit: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function wrapped(returned: unknown): StepHandlerResult {
  if (returned instanceof StepHandlerResult) return returned;
  if (returned === undefined || returned === null) return StepHandlerResult.success({});
  const isMapping = typeof returned === "object" && !Array.isArray(returned);
  return StepHandlerResult.success(isMapping ? returned : { result: returned });
}

function errorTypeOf(error: unknown): string {
  if (error instanceof ValidationError) return "validation_error";
  if (error instanceof PermanentError) return "permanent_error";
  if (error instanceof RetryableError) return "retryable_error";
  return "handler_error";
}

function isParse(inputs: Sources | Parse<unknown>): inputs is Parse<unknown> {
  return typeof inputs === "function" || typeof (inputs as { parse?: unknown }).parse === "function";
}

function nameOf(source: Source<unknown>): string {
  return typeof source === "string" ? source : source[0];
}

function refuseMisdeclared(name: string, { dependsOn = {}, inputs }: Declaration<Sources, Sources | Parse<unknown>>) {
  if (name === "") throw new HandlerDeclarationError("a handler needs a name, the one that templates call it by");
  const fields = inputs === undefined ? [] : isParse(inputs) ? ["inputs"] : Object.keys(inputs);
  for (const parameter of fields) {
    if (parameter in dependsOn) {
      throw new HandlerDeclarationError(`handler '${name}' takes '${parameter}' from a step and from the context`);
    }
  }
  if ([...fields, ...Object.keys(dependsOn)].includes("context")) {
    throw new HandlerDeclarationError(
      `handler '${name}': 'context' is the StepContext, and can't be taken from elsewhere`,
    );
  }
}
