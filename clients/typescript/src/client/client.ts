import type { Json, JsonObject } from "../json/json.js";
import { writeJson } from "../json/write.js";
import { type Call, type Calls, path, type Query, withQuery } from "./call.js";
import { filterQuery, type TaskFilters } from "./filters.js";
import { type Answer, Operating } from "./operating.js";
import type {
  Explanation,
  HealthResponse,
  NamespaceResponse,
  StepAuditResponse,
  StepResponse,
  TaskListResponse,
  TaskResponse,
} from "./responses.js";
import { asPromised, cancellation, creation, get, health, send, stepPath, taskPath, waiting } from "./task-calls.js";
import { type TaskWish, taskBody } from "./wishes.js";

/** What becomes of a create where another request made that task: an error, or the task. */
export interface CreateOptions {
  onDuplicate?: "raise" | "return" | undefined;
}

/**
 * What a client can ask. The methods are written once: those of `TaskerClient` answer with the value itself, those of
 * `AsyncTaskerClient` with a promise of it. All of them throw `ClientError`s.
 */
export abstract class Client<Kind extends "value" | "promise"> extends Operating<Kind> {
  /**
   * Creates a task. Throws DuplicateTaskError, UnknownTemplateError, SchemaViolationError, PayloadError.
   *
   * @example
   * const task = client.createTask({ name: "checkout", namespace: "shop", context: cart, idempotencyKey: "order-7" });
   * task.task_uuid;
   */
  createTask(wish: TaskWish, { onDuplicate = "raise" }: CreateOptions = {}): Answer<Kind, TaskResponse> {
    return this.ask(creation<TaskResponse>("/v1/tasks", taskBody(wish, this.origin), onDuplicate));
  }

  /** Creates many tasks, all of them or none. The answers, in the order of the wishes, are without steps. */
  createTasks(
    wishes: readonly TaskWish[],
    { onDuplicate = "raise" }: CreateOptions = {},
  ): Answer<Kind, TaskResponse[]> {
    const body = `{"tasks":[${wishes.map((wish) => taskBody(wish, this.origin)).join(",")}]}`;
    const read = (answer: Json) => (asPromised(answer) as { tasks: TaskResponse[] }).tasks;
    return this.ask(creation("/v1/tasks/batch", body, onDuplicate, read));
  }

  /** A task with its state and its steps' readiness. Throws TaskNotFoundError. */
  getTask(taskUuid: string): Answer<Kind, TaskResponse> {
    return this.ask(get<TaskResponse>(taskPath(taskUuid)));
  }

  /** The newest tasks, or those that match. */
  listTasks(options: TaskFilters & { limit?: number; offset?: number } = {}): Answer<Kind, TaskListResponse> {
    const { limit = 50, offset = 0, ...filters } = options;
    return this.ask(get<TaskListResponse>("/v1/tasks", { limit, offset, ...filterQuery(filters) }));
  }

  /** Cancels a task: what runs is told, nothing more begins. Throws TaskNotFoundError, TaskStateError. */
  cancelTask(taskUuid: string, reason = ""): Answer<Kind, { cancelled: true }> {
    return this.ask(cancellation(taskUuid, reason, this.origin.initiator));
  }

  /**
   * The task, as soon as it is at rest: final, or blocked by failures.
   *
   * Throws WaitTimeoutError when that takes longer than `timeoutMs`; without one it waits as long as it takes.
   */
  wait(taskUuid: string, { timeoutMs = Infinity }: { timeoutMs?: number } = {}): Answer<Kind, TaskResponse> {
    return this.askThrough(waiting(taskUuid, timeoutMs));
  }

  /** Why a task isn't finished, step by step. Throws TaskNotFoundError. */
  explain(taskUuid: string): Answer<Kind, Explanation> {
    return this.ask(get<Explanation>(`${taskPath(taskUuid)}/explain`));
  }

  /** The steps of a task in the template's order, then the instances of batches; all, or a page. */
  listTaskSteps(taskUuid: string, page: { limit?: number; offset?: number } = {}): Answer<Kind, StepResponse[]> {
    return this.ask(get<StepResponse[]>(`${taskPath(taskUuid)}/workflow_steps`, { ...page }));
  }

  /** One step, with its result. Throws TaskNotFoundError, StepNotFoundError. */
  getStep(taskUuid: string, stepUuid: string): Answer<Kind, StepResponse> {
    return this.ask(get<StepResponse>(stepPath(taskUuid, stepUuid)));
  }

  /** The ended attempts of a step, the newest first. */
  getStepAuditHistory(taskUuid: string, stepUuid: string): Answer<Kind, StepAuditResponse[]> {
    return this.ask(get<StepAuditResponse[]>(`${stepPath(taskUuid, stepUuid)}/audit`));
  }

  /** Every change of a task's state, the oldest first. */
  listTaskTransitions(taskUuid: string): Answer<Kind, JsonObject[]> {
    return this.ask(get<JsonObject[]>(`${taskPath(taskUuid)}/transitions`));
  }

  /** The templates that new tasks can be made of. */
  listTemplates(namespace?: string): Answer<Kind, JsonObject[]> {
    const read = (answer: Json) => (answer as { templates: JsonObject[] }).templates;
    return this.ask(get("/v1/templates", { namespace }, read));
  }

  /** One template with all that it says; the version may be `latest`. Throws UnknownTemplateError. */
  getTemplate(namespace: string, name: string, version: string): Answer<Kind, JsonObject> {
    return this.ask(get<JsonObject>(path`/v1/templates/${namespace}/${name}/${version}`));
  }

  /** Registers a template, given as the object that its YAML says. Throws TemplateError. */
  registerTemplate(template: object): Answer<Kind, JsonObject> {
    return this.ask(send<JsonObject>("POST", "/v1/templates", writeJson(template, "template")));
  }

  /** The namespaces of the templates, and which are paused. */
  listNamespaces(): Answer<Kind, NamespaceResponse[]> {
    return this.ask(get<NamespaceResponse[]>("/v1/namespaces"));
  }

  /** The workers that are there: what they serve and when they were last heard of. */
  listWorkers(): Answer<Kind, JsonObject[]> {
    return this.ask(get<JsonObject[]>("/v1/workers"));
  }

  /** Whether the server takes requests. Never throws: what can't be reached isn't healthy. */
  health(): Answer<Kind, HealthResponse> {
    return this.askHealth(health);
  }

  /**
   * Asks anything else of the REST API, with the same repetitions and errors. It may be asked twice.
   *
   * @example
   * client.request("GET", "/v1/dlq", { query: { namespace: "shop" } });
   */
  request(method: string, place: string, options: { query?: Query; body?: object } = {}): Answer<Kind, Json> {
    const body = options.body === undefined ? undefined : writeJson(options.body, "body");
    return this.ask(send<Json>(method, withQuery(place, options.query ?? {}), body));
  }

  protected abstract askThrough<R>(calls: Calls<R>): Answer<Kind, R>;
  protected abstract askHealth(call: Call<HealthResponse>): Answer<Kind, HealthResponse>;
}
