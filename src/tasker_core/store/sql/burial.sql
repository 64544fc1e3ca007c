-- Writing dead letters: each in the transaction that it tells of, under the lock of its task, with a snapshot of the task
-- as that transaction sees it. A task has at most one that is pending.

-- name: steps_to_bury
-- Those of a batch that this transaction really ended, of tasks that have no pending letter yet.
with b as (select * from jsonb_to_recordset(:dead::jsonb) as j(task bigint, step integer, held bigint)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:dead)) --lite
select s.task_id, s.no, s.fence
from b join tasker.steps s on s.task_id = b.task and s.no = b.step
  and case when s.stamp = :tx and s.fence = b.held then true else false end
where not exists (select 1 from tasker.dead_letters d where d.task_id = b.task and d.status = 'pending')

-- name: pending_letter
select d.id from tasker.dead_letters d where d.task_id = :task and d.status = 'pending'

-- name: task_then
-- A context that is too large is left out: it would make the letter as large, and the task has it.
select t.uuid, t.namespace, t.name, t.version, t.state, t.priority, t.total_steps, t.created_at, t.updated_at,
  p.initiator, p.source_system, p.reason, p.tags, p.correlation_id,
  case when length(p.context) <= :context then p.context end, length(p.context)
from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
where t.id = :task

-- name: steps_then
-- What went wrong first, then what isn't done.
select s.no, s.name, s.state, s.attempt, s.crashes, s.worker, s.run_at, s.enqueued_at, s.claimed_at, s.ended_at
from tasker.steps s where s.task_id = :task
order by case s.state when 'error' then 0 when 'complete' then 3 when 'resolved_manually' then 3
  when 'pending' then 2 else 1 end, s.no
limit :most

-- name: attempts_then
select a.no, a.attempt, a.ending, a.state, a.worker, a.claimed_at, a.ended_at, a.reason,
  case when length(a.error) <= :error then a.error end, length(a.error),
  case when length(a.result) <= :result then a.result end, length(a.result)
from tasker.attempts a where a.task_id = :task
order by a.ended_at desc, a.no desc, a.fence desc
limit :most

-- name: transitions_then
select r.no, r.from_state, r.to_state, r.at, r.actor, r.reason
from tasker.transitions r where r.task_id = :task
order by r.at desc, r.stamp desc, r.no
limit :most

-- name: insert_letter
insert into tasker.dead_letters (id, task_id, no, reason, detail, status, created_at, state, fingerprint, title, snapshot)
values (:id, :task, :no, :reason, :detail, 'pending', :now, :state, :fingerprint, :title, :snapshot)
on conflict (task_id) where status = 'pending' do nothing
returning id
