import type { Json, JsonObject } from "../json/json.js";

/* The messages of the worker protocol (docs/reference/worker-protocol.md), as far as a worker looks into them. */

/** The terms on which a server has registered a worker. */
export interface Terms {
  readonly worker_id: string;
  readonly lease_ms: number;
  readonly heartbeat_ms: number;
  readonly max_wait_ms: number;
  readonly max_claim: number;
  readonly max_reports: number;
  readonly max_payload_bytes: number;
}

export interface Lease {
  readonly lease_id: string;
  readonly token: string;
  readonly fence: number;
  readonly timeout_ms: number | null;
  readonly task_uuid: string;
  readonly step_uuid: string;
  readonly namespace: string;
  readonly template: { readonly name: string; readonly version: string };
  readonly step: string;
  readonly handler: string;
  readonly method: string | null;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly context: JsonObject;
  readonly dependency_results: JsonObject;
  readonly step_config: JsonObject | null;
  readonly inputs: JsonObject | null;
  readonly checkpoint: JsonObject | null;
  readonly idempotency_key: string;
  readonly correlation_id: string;
  readonly traceparent: string | null;
}

/** What a claim brings, alone or with reports. */
export interface Claimed {
  readonly leases?: readonly Lease[];
  readonly directive?: string;
}

export interface Beaten {
  readonly leases: readonly { readonly lease_id: string; readonly status: string }[];
  readonly directive?: string;
  readonly lease_ms?: number;
}

export interface ReportResult {
  readonly lease_id: string;
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
}

export interface Reported extends Claimed {
  readonly results: readonly ReportResult[];
}

export interface FoundResult {
  readonly result: { readonly result: Json } | null;
}
