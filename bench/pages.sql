-- A million tasks for the pages of the dashboard to list: of one step each, most of them complete, some in other states.
-- One chunk at a time: tasks :first to :last, whose rows in the other tables are found by their id being above :after.

-- name: load_listed_tasks
insert into tasker.tasks (uuid, template_id, namespace, name, version, identity, state, previous, priority, total_steps,
  troubled, stamp, created_at, updated_at, completed_at)
with recursive n (no) as (
  select cast(:first as bigint) union all select no + 1 from n where no < :last)
select gen_random_uuid(), --pg
select lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6))), --lite
  k.id, k.namespace, k.name, k.version, 'listed-' || n.no,
  case when n.no % 100003 = 7 then 'blocked_by_failures' when n.no % 997 = 7 then 'error'
    when n.no % 250007 = 7 then 'cancelled' when n.no = 11 then 'resolved_manually' else 'complete' end,
  'steps_in_process', 0, 1, 0, :at + n.no, :at + n.no, :at + n.no + 50000, :at + n.no + 50000
from n join tasker.templates k on k.namespace = 'bench' and k.name = 'listed' and k.current = 1

-- name: load_listed_payloads
insert into tasker.task_payloads (task_id, context, initiator, source_system, reason, tags, correlation_id,
  parent_correlation_id, idempotency_key, requested_at)
select t.id, cast(:context as text), 'web shop', 'till', 'Task requested', '["eu"]', cast(t.uuid as text), null,
  t.identity, t.created_at
from tasker.tasks t where t.id > :after

-- name: load_listed_steps
insert into tasker.steps (task_id, no, name, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch, worker,
  stamp, enqueued_at, claimed_at, ended_at)
select t.id, p.no, p.name,
  case when t.state in ('blocked_by_failures', 'error') then 'error' else t.state end,
  p.lane, t.created_at / 1000, t.created_at, 0, 1, 1, 0, 0, 1, t.stamp, t.created_at, t.created_at, t.completed_at
from tasker.tasks t join tasker.template_steps p on p.template_id = t.template_id where t.id > :after
