import type { Query } from "./call.js";

/** Which tasks are meant. What isn't given is for any. */
export interface TaskFilters {
  namespace?: string | undefined;
  name?: string | undefined;
  version?: string | undefined;
  status?: string | undefined;
  initiator?: string | undefined;
  sourceSystem?: string | undefined;
  tag?: string | undefined;
  correlationId?: string | undefined;
  parentCorrelationId?: string | undefined;
  createdAfter?: Date | string | undefined;
  createdBefore?: Date | string | undefined;
  updatedAfter?: Date | string | undefined;
  updatedBefore?: Date | string | undefined;
  /** A field of the context, `customer.id`, and what stands in it. */
  contextPath?: string | undefined;
  contextValue?: string | number | bigint | boolean | undefined;
}

/** The filters as the query of a request. */
export function filterQuery(filters: TaskFilters): Query {
  return {
    namespace: filters.namespace,
    name: filters.name,
    version: filters.version,
    status: filters.status,
    initiator: filters.initiator,
    source_system: filters.sourceSystem,
    tag: filters.tag,
    correlation_id: filters.correlationId,
    parent_correlation_id: filters.parentCorrelationId,
    created_after: moment(filters.createdAfter),
    created_before: moment(filters.createdBefore),
    updated_after: moment(filters.updatedAfter),
    updated_before: moment(filters.updatedBefore),
    context_path: filters.contextPath,
    context_value: filters.contextValue?.toString(),
  };
}

function moment(value: Date | string | undefined): string | undefined {
  return value instanceof Date ? value.toISOString() : value;
}
