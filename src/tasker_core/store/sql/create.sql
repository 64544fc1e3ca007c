-- Creating tasks. The batch holds tasks only; their steps and edges are copied from the template inside the database.

-- name: lock_passed_identities
-- The tasks whose identities are to be taken over. In the order of their numbers, as whoever settles them locks them,
-- and before anything is inserted: so nobody waits in a circle.
with b as (select * from jsonb_to_recordset(:windows::jsonb) as j(id uuid, template uuid, identity text, until bigint)) --pg
with b as materialized (select value->>'id' as id, value->>'template' as template, value->>'identity' as identity, value->>'until' as until from json_each(:windows)) --lite
select t.id
from b join tasker.templates k on k.id = b.template and k.current = 1
  join tasker.tasks t on t.identity = b.identity and t.created_at <= b.until
where not exists (select 1 from tasker.tasks u where u.uuid = b.id)
order by t.id
for no key update of t --pg

-- name: free_passed_identities
-- What was taken over keeps its identity with its own id behind it: unique, and still told from others. The conditions
-- are those of the lock, asked again: of two creators the second one finds that the first has taken it over.
with b as (select * from jsonb_to_recordset(:windows::jsonb) as j(id uuid, template uuid, identity text, until bigint)) --pg
with b as materialized (select value->>'id' as id, value->>'template' as template, value->>'identity' as identity, value->>'until' as until from json_each(:windows)) --lite
update tasker.tasks as t set identity = t.identity || ' ' || cast(t.uuid as text)
from b join tasker.templates k on k.id = b.template and k.current = 1
where t.identity = b.identity and t.created_at <= b.until
  and not exists (select 1 from tasker.tasks u where u.uuid = b.id)

-- name: insert_tasks
-- An identity that exists already is left alone, and so is a task of a content that is no longer current: the answer
-- tells which ids were written, and the engine looks why the others weren't.
insert into tasker.tasks (uuid, template_id, namespace, name, version, identity, state, previous, priority, total_steps,
  troubled, stamp, created_at, updated_at, completed_at)
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(id uuid, template uuid, namespace text, name text, version text, identity text, state text, priority integer, total_steps integer)) --pg
with b as materialized (select value->>'id' as id, value->>'template' as template, value->>'namespace' as namespace, value->>'name' as name, value->>'version' as version, value->>'identity' as identity, value->>'state' as state, value->>'priority' as priority, value->>'total_steps' as total_steps from json_each(:batch)) --lite
select b.id, b.template, b.namespace, b.name, b.version, b.identity, b.state, 'pending', b.priority, b.total_steps,
  0, :tx, :now, :now, 0
from b join tasker.templates k on k.id = b.template and k.current = 1
where true
on conflict do nothing
returning id, uuid

-- name: insert_payloads
insert into tasker.task_payloads (task_id, context, initiator, source_system, reason, tags, correlation_id,
  parent_correlation_id, idempotency_key, requested_at, traceparent)
with b as (select * from jsonb_to_recordset(:payloads::jsonb) as j(id uuid, context text, initiator text, source_system text, reason text, tags text, correlation_id text, parent_correlation_id text, idempotency_key text, requested_at bigint, traceparent text)) --pg
with b as materialized (select value->>'id' as id, value->>'context' as context, value->>'initiator' as initiator, value->>'source_system' as source_system, value->>'reason' as reason, value->>'tags' as tags, value->>'correlation_id' as correlation_id, value->>'parent_correlation_id' as parent_correlation_id, value->>'idempotency_key' as idempotency_key, value->>'requested_at' as requested_at, value->>'traceparent' as traceparent from json_each(:payloads)) --lite
select t.id, b.context, b.initiator, b.source_system, b.reason, b.tags, b.correlation_id, b.parent_correlation_id,
  b.idempotency_key, b.requested_at, b.traceparent
from b join tasker.tasks t on t.uuid = b.id and case when t.stamp = :tx then true else false end
where true

-- name: insert_steps
insert into tasker.steps (task_id, no, name, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch,
  worker, stamp, enqueued_at, claimed_at, ended_at)
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(id uuid, template uuid, rank bigint)) --pg
with b as materialized (select value->>'id' as id, value->>'template' as template, value->>'rank' as rank from json_each(:batch)) --lite
select t.id, p.no, p.name, case when p.waits = 0 then 'enqueued' else 'pending' end, p.lane, b.rank, :now, p.waits,
  0, 0, 0, 0, 0, t.stamp, case when p.waits = 0 then :now else 0 end, 0, 0
from b join tasker.tasks t on t.uuid = b.id and case when t.stamp = :tx then true else false end
  join tasker.template_steps p on p.template_id = b.template
where true

-- name: insert_dependencies
insert into tasker.dependencies (task_id, parent, child)
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(id uuid, template uuid)) --pg
with b as materialized (select value->>'id' as id, value->>'template' as template from json_each(:batch)) --lite
select t.id, e.parent, e.child
from b join tasker.tasks t on t.uuid = b.id and case when t.stamp = :tx then true else false end
  join tasker.template_edges e on e.template_id = b.template
where true

-- name: tasks_by_identity
select t.identity, t.uuid, t.template_id, p.context, t.created_at
from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
where t.identity in (select value from jsonb_array_elements_text(:identities::jsonb)) --pg
where t.identity in (select value from json_each(:identities)) --lite

-- name: identities_of_tasks
select t.identity, t.uuid, t.template_id, p.context, t.created_at
from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
where t.uuid in (select value::uuid from jsonb_array_elements_text(:tasks::jsonb)) --pg
where t.uuid in (select value from json_each(:tasks)) --lite

-- name: tasks_by_uuid
select t.uuid, t.id from tasker.tasks t
where t.uuid in (select value::uuid from jsonb_array_elements_text(:tasks::jsonb)) --pg
where t.uuid in (select value from json_each(:tasks)) --lite
