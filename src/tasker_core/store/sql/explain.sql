-- What an explanation of one task is made from, read in one round trip; none of it locks or writes.

-- name: explain_task
select t.template_id, t.namespace, t.state, t.created_at, t.updated_at, p.at, p.actor, p.reason,
  n.at, n.actor, n.reason
from tasker.tasks t left join tasker.paused_tasks p on p.task_id = t.id
  left join tasker.paused_namespaces n on n.namespace = t.namespace
where t.uuid = :task

-- name: explain_last_word
-- Who moved the task to where it stands, and why; the state tells apart what happened in the same microsecond.
select x.actor, x.reason
from tasker.tasks t join tasker.transitions x on x.task_id = t.id and x.no = 0 and x.to_state = t.state
where t.uuid = :task order by x.at desc limit 1

-- name: explain_steps
-- Each step with the last of its attempts that went wrong; what is done needs none.
select s.no, s.name, s.state, s.lane, s.run_at, s.attempt, s.worker, s.enqueued_at, s.claimed_at, s.ended_at,
  a.error, coalesce(a.reason, '')
from tasker.tasks t join tasker.steps s on s.task_id = t.id
  left join tasker.attempts a on a.task_id = s.task_id and a.no = s.no
    and s.state in ('enqueued', 'in_progress', 'waiting_for_retry', 'error')
    and a.fence = (select max(l.fence) from tasker.attempts l
      where l.task_id = s.task_id and l.no = s.no and l.error is not null)
where t.uuid = :task order by s.no

-- name: explain_edges
select e.parent, e.child from tasker.tasks t join tasker.dependencies e on e.task_id = t.id
where t.uuid = :task order by e.child, e.parent

-- name: explain_workers
-- The workers that are there, and those that are gone but stand on steps of this task.
select w.id, w.name, w.host, w.pid, w.state, w.beat_at, w.slots,
  (select count(*) from tasker.steps r where r.worker = w.id and r.state = 'in_progress'), w.lanes
from tasker.workers w
where w.state in ('live', 'draining')
  or w.id in (select s.worker from tasker.tasks t join tasker.steps s on s.task_id = t.id
    where t.uuid = :task and s.state = 'in_progress')
order by w.name, w.id

-- name: explain_queue
-- How many steps of older or more urgent tasks wait before this task's in each lane, counted up to :most.
with f as materialized (
  select s.lane, min(s.rank) as rank from tasker.tasks t join tasker.steps s on s.task_id = t.id
  where t.uuid = :task and s.state = 'enqueued' group by s.lane)
select f.lane, (select count(*) from (select 1 from tasker.steps s
  where s.state = 'enqueued' and s.lane = f.lane and s.rank < f.rank limit :most) as counted)
from f

-- name: explain_batches
select g.no, g.strategy, g.parallelism, g.next, g.halted
from tasker.tasks t join tasker.batches g on g.task_id = t.id where t.uuid = :task order by g.no

-- name: traced_steps
-- For the spans of steps that are over. An operator's reset begins the count of attempts anew: the last first one counts.
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step from json_each(:batch)) --lite
select t.uuid, t.namespace, t.name, t.version, s.no, s.name, s.epoch, s.state, s.attempt,
  coalesce((select max(a.enqueued_at) from tasker.attempts a
    where a.task_id = s.task_id and a.no = s.no and a.attempt = 1), s.enqueued_at),
  s.ended_at, p.traceparent
from b join tasker.steps s on s.task_id = b.task and s.no = b.step
  join tasker.tasks t on t.id = s.task_id
  join tasker.task_payloads p on p.task_id = s.task_id
where p.traceparent is not null and s.attempt > 0
