export { Batches, type BatchPiece, type Piece } from "./batches.js";
export { StepContext, type StepContextFields, stepContext } from "./context.js";
export { Decision } from "./decision.js";
export {
  type Declaration,
  type FunctionHandler,
  type Parameters,
  type Parse,
  type Source,
  stepHandler,
  typed,
} from "./dsl.js";
export { HandlerRegistry } from "./registry.js";
export { type FailureOptions, type Metadata, StepHandlerResult } from "./result.js";
export { StepHandler, type StepHandlerClass } from "./step-handler.js";
