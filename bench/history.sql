-- Finished checkouts, written in bulk: what a store holds after a year. Each row is as the product would have left it.
-- One chunk at a time: tasks :first to :last, whose rows in the other tables are found by their id being above :after.

-- name: newest_task
select coalesce(max(t.id), 0) from tasker.tasks t

-- name: load_tasks
insert into tasker.tasks (uuid, template_id, namespace, name, version, identity, state, previous, priority, total_steps,
  troubled, stamp, created_at, updated_at, completed_at)
with recursive n (no) as (
  select cast(:first as bigint) union all select no + 1 from n where no < :last)
select gen_random_uuid(), --pg
select lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6))), --lite
  k.id, k.namespace, k.name, k.version, 'history-' || :of || '-' || n.no, 'complete', 'steps_in_process', 0, 5,
  0, :at + n.no, :at + n.no, :at + n.no + 50000, :at + n.no + 50000
from n join tasker.templates k on k.namespace = 'bench' and k.name = 'bench_checkout' and k.current = 1

-- name: load_payloads
insert into tasker.task_payloads (task_id, context, initiator, source_system, reason, tags, correlation_id,
  parent_correlation_id, idempotency_key, requested_at)
select t.id, cast(:context as text), 'tasker-core-python', 'tasker-core', 'Task requested', '[]', cast(t.uuid as text),
  null, t.identity, t.created_at
from tasker.tasks t where t.id > :after

-- name: load_steps
insert into tasker.steps (task_id, no, name, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch, worker,
  stamp, enqueued_at, claimed_at, ended_at)
select t.id, p.no, p.name, 'complete', p.lane, t.created_at / 1000, t.created_at, 0, 1, 1, 0, 0, 1,
  t.stamp, t.created_at, t.created_at, t.completed_at
from tasker.tasks t join tasker.template_steps p on p.template_id = t.template_id where t.id > :after

-- name: load_dependencies
insert into tasker.dependencies (task_id, parent, child)
select t.id, e.parent, e.child
from tasker.tasks t join tasker.template_edges e on e.template_id = t.template_id where t.id > :after

-- name: load_attempts
insert into tasker.attempts (task_id, no, fence, stamp, attempt, ending, state, worker, enqueued_at, claimed_at,
  ended_at, reason, result)
select s.task_id, s.no, s.fence, s.stamp, s.attempt, 'ok', s.state, s.worker, s.enqueued_at, s.claimed_at, s.ended_at,
  'handler returned', cast(:result as text)
from tasker.steps s where s.task_id > :after

-- name: load_transitions
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason)
select t.id, 0, t.stamp, t.previous, t.state, t.completed_at, 'worker 1', '' from tasker.tasks t where t.id > :after

-- name: done_since
select count(*) from tasker.tasks t where t.id > :after and t.state = 'complete'

-- name: span_since
-- Microseconds from the first claim to the last completion.
select (select max(t.completed_at) from tasker.tasks t where t.id > :after)
  - (select min(a.claimed_at) from tasker.attempts a where a.task_id > :after)
