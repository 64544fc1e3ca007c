import {
  ClientError,
  type ClientErrorOptions,
  CredentialsError,
  DuplicateTaskError,
  InvalidRequestError,
  MissingError,
  NamespaceNotFoundError,
  NotPermittedError,
  PayloadTooLargeError,
  SchemaViolationError,
  ServerError,
  ServerOverloadedError,
  StepNotFoundError,
  TaskNotFoundError,
  TaskStateError,
  TemplateError,
  UnknownTemplateError,
  WorkerNotFoundError,
} from "../errors/index.js";
import { isObject, type Json, type JsonObject } from "../json/json.js";
import { readJson } from "../json/read.js";
import { isReply, type Reply } from "./exchange.js";
import { type LastWord, ONCE_MORE, retryAfterMs } from "./tries.js";

type ErrorClass = new (message: string, options: ClientErrorOptions) => ClientError;

const NOT_FOUND: Readonly<Record<string, ErrorClass>> = {
  task: TaskNotFoundError,
  step: StepNotFoundError,
  template: UnknownTemplateError,
  namespace: NamespaceNotFoundError,
  worker: WorkerNotFoundError,
};

/**
 * What a good last word says.
 *
 * @throws ClientError for any other
 */
export function answerOf(word: LastWord, url: string, method: string): Json {
  const { outcome } = word;
  if (!isReply(outcome)) throw unanswered(word, outcome.why, outcome.unreached, url, method);
  if (outcome.status < 200 || outcome.status >= 300) throw errorOf(outcome, url);
  try {
    return outcome.text === "" ? null : readJson(outcome.text);
  } catch {
    throw stranger(outcome, url);
  }
}

/** The error that an answer tells. */
export function errorOf(reply: Reply, url: string): ClientError {
  const said = errorObject(reply.text);
  if (said === null) return stranger(reply, url);
  const message = String(said.message ?? "");
  const details = isObject(said.details) ? said.details : {};
  const code = String(said.code ?? "");
  const field = typeof said.field === "string" ? said.field : undefined;
  const options = { code, status: reply.status, field, details };
  const Kind = kindOf(reply.status, code, details);
  if (Kind !== null) return new Kind(message, options);
  if (reply.status === 401) {
    return new CredentialsError(
      `${message}; ${url} wants an API key (TASKER_API_KEY) or a token (TASKER_AUTH_TOKEN)`,
      options,
    );
  }
  const retryable = ONCE_MORE.has(reply.status);
  const after = retryAfterMs(reply.headers) || undefined;
  if (code === "BACKPRESSURE") {
    return new ServerOverloadedError(`${url}: ${message}`, { ...options, retryable, retryAfterMs: after });
  }
  const request = reply.headers["x-request-id"] ?? "?";
  const told = `${url}: ${message} (${reply.status}, request ${request})`;
  return new ServerError(told, { ...options, retryable, retryAfterMs: after });
}

/** The class of an answer that says what is wrong with the request; null where the server, or its way, has trouble. */
function kindOf(status: number, code: string, details: JsonObject): ErrorClass | null {
  switch (status) {
    case 400:
      return code === "INVALID_STATE" ? TaskStateError : InvalidRequestError;
    case 403:
      return NotPermittedError;
    case 404:
      return NOT_FOUND[String(details.resource)] ?? MissingError;
    case 409:
      return "task_uuid" in details ? DuplicateTaskError : "differences" in details ? TemplateError : ClientError;
    case 413:
      return PayloadTooLargeError;
    case 415:
      return InvalidRequestError;
    case 422:
      return code === "SCHEMA_VIOLATION"
        ? SchemaViolationError
        : code === "INVALID_TEMPLATE"
          ? TemplateError
          : InvalidRequestError;
    default:
      return null;
  }
}

/** The error object of an answer, if it is one of Tasker's. */
function errorObject(text: string): JsonObject | null {
  try {
    const body = readJson(text);
    return isObject(body) && isObject(body.error) ? body.error : null;
  } catch {
    return null;
  }
}

/** The error for an answer that no server of Tasker gives: a proxy's, or another service's. */
function stranger(reply: Reply, url: string): ServerError {
  const retryable = ONCE_MORE.has(reply.status);
  if (reply.status >= 300 && reply.status < 400) {
    const place = reply.headers.location ?? "elsewhere";
    const why = `leads on to ${place}, which isn't followed; give the URL that answers itself`;
    return new ServerError(`${url} ${why}`, { status: reply.status, retryable });
  }
  const kind = reply.headers["content-type"] ?? "no content type";
  const why = "as no server of Tasker does; is the URL right, or does a proxy answer?";
  return new ServerError(`${url} answers ${reply.status} with ${kind}, ${why}`, { status: reply.status, retryable });
}

function unanswered(word: LastWord, why: string, unreached: boolean, url: string, method: string): ServerError {
  const seconds = (word.tookMs / 1_000).toFixed(1);
  const tried = word.tries > 1 ? `tried ${word.tries} times in ${seconds} s` : `after ${seconds} s`;
  const done = method === "GET" ? "" : "; what was asked may have been done, and may be asked again";
  const told = unreached ? `can't be reached: ${why} (${tried})` : `didn't answer: ${why} (${tried})${done}`;
  return new ServerError(`${url} ${told}`, { retryable: true });
}
