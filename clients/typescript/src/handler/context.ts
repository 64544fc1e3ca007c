import { StepCancelledError } from "../errors/index.js";
import { isObject, type Json, type JsonObject } from "../json/json.js";
import type { BatchPiece } from "./batches.js";

/** What a context is made of; `stepContext` fills in what a test doesn't care for. */
export interface StepContextFields {
  taskUuid: string;
  stepUuid: string;
  correlationId: string;
  namespace: string;
  taskName: string;
  templateVersion: string;
  stepName: string;
  handlerName: string;
  /** This attempt, from 1, and how many there may be. */
  attempt: number;
  maxAttempts: number;
  /** What the task was created with. */
  inputData: JsonObject;
  /** By step name what earlier steps returned, each as `{ result, metadata }`. */
  dependencyResults: JsonObject;
  /** The handler's `initialization` of the template. */
  stepConfig: JsonObject;
  /** For a step of a batch: the piece that it is to work on; else empty. */
  stepInputs: JsonObject;
  /** What this step said when it yielded before; null where it didn't. */
  checkpoint: JsonObject | null;
  /** The same for every attempt of this step, and for no other step: hand it to whatever moves the money. */
  idempotencyKey: string;
  /** Rises with each attempt: for stores that refuse lower ones. */
  fence: number;
  traceparent: string | null;
  /** When the attempt's time is up, by this machine's clock. */
  deadline: Date | null;
  /** Is aborted when the task is cancelled, the lease lost or the time up. */
  signal: AbortSignal;
}

export interface StepContext extends Readonly<StepContextFields> {}

/**
 * A step's attempt, as its handler sees it.
 *
 * @example
 * const context = stepContext({ inputData: { email: "ann@example.org" }, attempt: 2 });
 * context.getInput("email"); // "ann@example.org"
 * context.isRetry(); // true
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns every field that the interface names.
export class StepContext {
  constructor(
    fields: StepContextFields,
    private readonly readResult: (step: string) => Promise<Json> = async () => null,
  ) {
    Object.assign(this, fields);
  }

  /** A field of the task's context; undefined where there is none. */
  getInput(key: string): Json | undefined {
    return this.inputData[key];
  }

  /** A field of the task's context, or `otherwise` where there is none or null. */
  getInputOr(key: string, otherwise: Json): Json {
    return this.inputData[key] ?? otherwise;
  }

  /** What the step returned that came along with this one; null where none did. */
  getDependencyResult(step: string): Json {
    const found = this.dependencyResults[step];
    return (isObject(found) && "result" in found ? found.result : found) ?? null;
  }

  /** A field in what an earlier step returned: `getDependencyField("cart", "items", "0", "sku")`; null where there is none. */
  getDependencyField(step: string, ...path: readonly string[]): Json {
    let found: Json | undefined = this.getDependencyResult(step);
    for (const key of path) found = Array.isArray(found) ? found[Number(key)] : isObject(found) ? found[key] : null;
    return found ?? null;
  }

  getDependencyResultKeys(): string[] {
    return Object.keys(this.dependencyResults);
  }

  /** The results of all steps whose name begins so: those of a batch. */
  getAllDependencyResults(prefix: string): Json[] {
    const names = this.getDependencyResultKeys().filter((name) => name.startsWith(prefix));
    return names.map((name) => this.getDependencyResult(name)).filter((result) => result !== null);
  }

  /** What any earlier step of the task returned, asked of the server where it didn't come along; null where there is none. */
  async fetchResult(step: string): Promise<Json> {
    return step in this.dependencyResults ? this.getDependencyResult(step) : this.readResult(step);
  }

  getConfig(key: string): Json | undefined {
    return this.stepConfig[key];
  }

  get retryCount(): number {
    return this.attempt - 1;
  }

  isRetry(): boolean {
    return this.attempt > 1;
  }

  isLastRetry(): boolean {
    return this.attempt >= this.maxAttempts;
  }

  hasCheckpoint(): boolean {
    return this.checkpoint !== null;
  }

  get checkpointCursor(): Json {
    return this.checkpoint?.cursor ?? null;
  }

  get checkpointItemsProcessed(): number {
    return Number(this.checkpoint?.items_processed ?? 0);
  }

  get accumulatedResults(): Json {
    return this.checkpoint?.accumulated_results ?? null;
  }

  /** The piece of a batch that this step is to work on; null where it is no step of a batch. */
  get batch(): BatchPiece | null {
    const { cursor, batch_metadata = null, is_no_op = false } = this.stepInputs;
    if (!isObject(cursor)) return null;
    return {
      batchId: String(cursor.batch_id ?? ""),
      startCursor: cursor.start_cursor ?? null,
      endCursor: cursor.end_cursor ?? null,
      size: Number(cursor.batch_size ?? 0),
      metadata: batch_metadata,
      isNoOp: is_no_op === true,
    };
  }

  /** Whether the task was cancelled, the lease lost, or the time is up. */
  get cancelled(): boolean {
    return this.signal.aborted;
  }

  /** Throws StepCancelledError where the attempt is cancelled. The lease is kept without it. */
  heartbeat(): void {
    if (this.cancelled) throw new StepCancelledError(String(this.signal.reason));
  }
}

const NOWHERE = "00000000-0000-7000-8000-000000000000";

/** A context for a test of a handler: of what isn't given there is as little as can be. */
export function stepContext(given: Partial<StepContextFields> = {}): StepContext {
  const { taskUuid = NOWHERE, stepName = "step" } = given;
  return new StepContext({
    taskUuid,
    stepUuid: NOWHERE,
    correlationId: NOWHERE,
    namespace: "default",
    taskName: "task",
    templateVersion: "1.0.0",
    stepName,
    handlerName: stepName,
    attempt: 1,
    maxAttempts: 3,
    inputData: {},
    dependencyResults: {},
    stepConfig: {},
    stepInputs: {},
    checkpoint: null,
    idempotencyKey: `${taskUuid}:${stepName}`,
    fence: 1,
    traceparent: null,
    deadline: null,
    signal: new AbortController().signal,
    ...given,
  });
}
