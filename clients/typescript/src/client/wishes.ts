import { InvalidRequestError } from "../errors/index.js";
import { writeJson } from "../json/write.js";
import { asUuid, newUuid } from "../uuid.js";

/** A task that is wished for. */
export interface TaskWish {
  /** The name of its template. */
  name: string;
  /** Where the template is found; else `default`, else the one namespace that has the name. */
  namespace?: string | undefined;
  /** The template's version, or `latest`; else 1.0.0, else the newest. */
  version?: string | undefined;
  /** What the steps work on: an object that is JSON. */
  context?: object | undefined;
  /** Who asks, for the record; else the client's. */
  initiator?: string | undefined;
  /** From where, for the record; else the client's. */
  sourceSystem?: string | undefined;
  /** Why, for the record. */
  reason?: string | undefined;
  tags?: readonly string[] | undefined;
  /** -100 to 100, the highest first; 0. */
  priority?: number | undefined;
  /** Unique per namespace and name: the same key again makes no second task. */
  idempotencyKey?: string | undefined;
  /** A UUID that several tasks share; else one is made. */
  correlationId?: string | undefined;
  parentCorrelationId?: string | undefined;
  /** When it was asked for, if not now. */
  requestedAt?: Date | string | undefined;
  /** A UUID of your making, so that you may repeat a create whose answer was lost; else the client makes one. */
  taskUuid?: string | undefined;
}

/** Who a client says it is. */
export interface Origin {
  readonly initiator: string;
  readonly sourceSystem: string;
}

/** The body of the request for `wish`, as JSON text. Throws InvalidRequestError. */
export function taskBody(wish: TaskWish, origin: Origin): string {
  if (typeof wish.name !== "string" || wish.name === "") {
    throw new InvalidRequestError("name must be the name of a template", { field: "name" });
  }
  const said = {
    name: wish.name,
    task_uuid: wish.taskUuid === undefined ? newUuid() : asUuid(wish.taskUuid, "taskUuid"),
    namespace: wish.namespace,
    version: wish.version,
    initiator: wish.initiator ?? origin.initiator,
    source_system: wish.sourceSystem ?? origin.sourceSystem,
    reason: wish.reason ?? "Task requested",
    tags: wish.tags ?? [],
    priority: wish.priority,
    idempotency_key: wish.idempotencyKey,
    correlation_id: wish.correlationId,
    parent_correlation_id: wish.parentCorrelationId,
    requested_at: wish.requestedAt,
  };
  const context = writeJson(wish.context ?? {}, "context");
  return `${writeJson(said, "request").slice(0, -1)},"context":${context}}`;
}
