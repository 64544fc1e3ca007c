import { PayloadError } from "../errors/index.js";
import type { StepHandlerResult } from "../handler/result.js";
import { writeJson } from "../json/write.js";
import type { Held } from "./leases.js";

/** What is told of a lease's end, as the JSON text in which it goes out. */
export interface Report {
  readonly held: Held;
  readonly text: string;
  readonly bytes: number;
  /** It tells already that what the handler gave can't be kept. */
  readonly isLastResort: boolean;
}

/** The report of how an attempt ended. What isn't JSON, or is larger than the server keeps, fails its step for good. */
export function reportOf(held: Held, result: StepHandlerResult, largestPayload: number): Report {
  try {
    return report(held, bodyOf(held, result, largestPayload));
  } catch (error) {
    if (error instanceof PayloadError) return unkeepable(held, error.message);
    throw error;
  }
}

/** The report of a step whose outcome can't be kept. */
export function unkeepable(held: Held, why: string): Report {
  const error = { message: why, error_type: "serialization_error", retryable: false };
  return report(held, { op: "fail", error: writeJson(error) }, true);
}

/** The report of a step that isn't begun: it goes back into the queue, and no attempt is spent. */
export function givenBack(held: Held, reason: string): Report {
  return report(held, { op: "release", reason: writeJson(reason) });
}

function report(held: Held, fields: { op: string } & Record<string, string>, isLastResort = false): Report {
  const { lease_id, token } = held.lease;
  const { op, ...texts } = fields;
  const head = writeJson({ op, lease_id, token }).slice(0, -1);
  const text = `${head}${Object.entries(texts)
    .map(([name, value]) => `,"${name}":${value}`)
    .join("")}}`;
  return { held, text, bytes: Buffer.byteLength(text), isLastResort };
}

function bodyOf(
  held: Held,
  { ending }: StepHandlerResult,
  largestPayload: number,
): { op: string } & Record<string, string> {
  const kept = (value: unknown, what: string) => {
    const place = `${what} of step '${held.lease.step}'`;
    const text = writeJson(value, place);
    const bytes = Buffer.byteLength(text);
    if (bytes <= largestPayload) return text;
    throw new PayloadError(`${place} is ${bytes} bytes as JSON, and ${largestPayload} is the most`);
  };
  switch (ending.kind) {
    case "success": {
      const metadata = Object.keys(ending.metadata).length > 0 ? kept(ending.metadata, "metadata") : null;
      return { op: "complete", result: kept(ending.result, "result"), ...(metadata !== null && { metadata }) };
    }
    case "checkpoint":
      return {
        op: "checkpoint",
        cursor: kept(ending.cursor, "cursor"),
        items_processed: kept(ending.itemsProcessed, "items processed"),
        accumulated_results: kept(ending.accumulatedResults, "accumulated results"),
      };
    case "failure": {
      const error = {
        message: ending.message,
        error_type: ending.errorType ?? "handler_error",
        error_code: ending.errorCode,
        retryable: ending.retryable ?? true,
        retry_after_ms: ending.retryAfterMs === undefined ? undefined : Math.round(ending.retryAfterMs),
        backtrace: ending.backtrace,
        context: ending.metadata,
      };
      return { op: "fail", error: kept(error, "error") };
    }
  }
}
