import type { JsonObject } from "../json/json.js";

/*
 * What a server answers, under the names of its fields. Times are ISO 8601 in UTC. A server may add fields and enums may
 * grow, so code should let be what it doesn't know.
 */

/** The state of a task. The last four are final; `blocked_by_failures` rests until an operator acts. */
export type TaskStatus =
  | "pending"
  | "steps_in_process"
  | "waiting_for_retry"
  | "blocked_by_failures"
  | "complete"
  | "error"
  | "cancelled"
  | "resolved_manually"
  | (string & {});

export interface TaskResponse {
  task_uuid: string;
  name: string;
  namespace: string;
  version: string;
  status: TaskStatus;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
  context: JsonObject;
  initiator: string;
  source_system: string;
  reason: string;
  priority: number;
  tags: string[];
  correlation_id: string;
  parent_correlation_id: string | null;
  total_steps: number;
  pending_steps: number;
  in_progress_steps: number;
  completed_steps: number;
  failed_steps: number;
  ready_steps: number;
  execution_status: string;
  recommended_action: string;
  completion_percentage: number;
  health_status: string;
  compensated: boolean;
  steps: StepReadiness[];
  warnings: JsonObject[];
  paused: JsonObject | null;
  requested_at: string | null;
  idempotency_key: string | null;
}

export interface StepReadiness {
  workflow_step_uuid: string;
  task_uuid: string;
  named_step_uuid: string;
  name: string;
  current_state: string;
  dependencies_satisfied: boolean;
  retry_eligible: boolean;
  ready_for_execution: boolean;
  last_failure_at: string | null;
  next_retry_at: string | null;
  total_parents: number;
  completed_parents: number;
  attempts: number;
  max_attempts: number;
  backoff_request_seconds: number | null;
  last_attempted_at: string | null;
}

export interface TaskListResponse {
  tasks: TaskResponse[];
  pagination: {
    /** Null, like the totals, where a page was named by the entry before it. */
    page: number | null;
    per_page: number;
    total_count: number | null;
    total_pages: number | null;
    has_next: boolean;
    has_previous: boolean;
    next: string | null;
  };
}

export interface StepResponse {
  step_uuid: string;
  task_uuid: string;
  name: string;
  template_step: string;
  compensates: string | null;
  batch_index: number | null;
  created_at: string | null;
  updated_at: string | null;
  completed_at: string | null;
  /** The whole of the last attempt; what the handler returned is its `result`. */
  results: JsonObject | null;
  current_state: string;
  dependencies_satisfied: boolean;
  retry_eligible: boolean;
  ready_for_execution: boolean;
  total_parents: number;
  completed_parents: number;
  attempts: number;
  max_attempts: number;
  last_failure_at: string | null;
  next_retry_at: string | null;
  last_attempted_at: string | null;
  history: JsonObject[];
}

/** An ended attempt of a step. */
export interface StepAuditResponse {
  audit_uuid: string;
  workflow_step_uuid: string;
  transition_uuid: string;
  task_uuid: string;
  recorded_at: string | null;
  worker_uuid: string | null;
  correlation_id: string;
  success: boolean;
  execution_time_ms: number;
  result: JsonObject;
  step_name: string;
  from_state: string;
  to_state: string;
  attempt: number;
  ending: string;
  reason: string;
}

/** Why a task isn't finished: for each unfinished step a reason with its kind. */
export interface Explanation {
  task_uuid: string;
  state: TaskStatus;
  text: string;
  since: string | null;
  steps: {
    no: number;
    name: string;
    state: string;
    kind: string;
    text: string;
    since: string | null;
    details: JsonObject;
  }[];
  failures: JsonObject[];
  advice: string[];
  /** Steps of batches and failures that aren't told one by one. */
  left_out: number;
}

export interface NamespaceResponse {
  namespace: string;
  templates: number;
  paused: JsonObject | null;
  history?: JsonObject[];
}

export interface HealthResponse {
  healthy: boolean;
  status: string;
  timestamp: string;
}
