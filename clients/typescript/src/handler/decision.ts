import { StepHandlerResult } from "./result.js";

/**
 * What the handler of a `decision` step returns: which of the steps that wait for it the task gets.
 *
 * @example
 * stepHandler("purchasing_route", { inputs: { amount: typed<number>("amount") } }, ({ amount }) =>
 *   amount < 1_000 ? Decision.route(["approve_itself"]) : Decision.route(["ask_manager"], { reason: "above the limit" }),
 * );
 */
export const Decision = {
  /** The task gets these steps; `why` is kept with the result. */
  route(steps: readonly string[], why: object = {}): StepHandlerResult {
    return decided({ type: "create_steps", step_names: steps }, why);
  },

  /** It gets none of them. */
  skip(reason: string, why: object = {}): StepHandlerResult {
    return decided({ type: "no_branches" }, why, { reason });
  },
} as const;

function decided(outcome: object, why: object, more: object = {}): StepHandlerResult {
  const context = Object.keys(why).length > 0 ? { routing_context: why } : {};
  return StepHandlerResult.success({ decision_point_outcome: outcome, ...more, ...context });
}
