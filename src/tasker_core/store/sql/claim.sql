-- Handing ready steps to a worker. Always the last statements of their transaction: a claim locks step rows only.

-- name: claim_lane
-- One lane per statement, so that it can only walk the ready index: joined to a list of lanes, or sorted over several,
-- it would read the whole backlog. Runs once per lane of the claim; the room shrinks by what the lanes before it took.
-- A worker that hasn't heeded a new limit yet (:heeded) gets nothing.
-- `for key share` locks no row where nothing is paused. It takes the table's lock that whoever pauses a namespace waits
-- for: claims under way end before the pause is said, and whichever come later see it.
with ready as materialized (
  select s.task_id as task, s.no as step from tasker.steps s
  where s.state = 'enqueued' and s.lane = :lane
    and exists (select 1 from tasker.workers w where w.id = :worker and w.state = 'live' and w.must_heed = :heeded)
    and not exists (select 1 from tasker.paused_namespaces p
      where p.namespace || '/' = substr(cast(:lane as text), 1, length(p.namespace) + 1)
      for key share --pg
    )
  order by s.rank, s.no
  limit (select :room - count(*) from tasker.steps r where r.worker = :worker and r.stamp = :tx and r.state = 'in_progress')
  for no key update of s skip locked --pg
)
update tasker.steps as s set state = 'in_progress', worker = :worker, stamp = :tx, attempt = s.attempt + 1,
  fence = s.fence + 1, claimed_at = :now
from ready where s.task_id = ready.task and s.no = ready.step

-- name: claimed_steps
-- What this transaction claimed, in the order in which it should run, as one JSON text.
select json_agg(json_build_array(s.task_id, s.no, s.name, s.lane, s.attempt, s.fence, s.crashes, s.epoch, s.rank) order by s.rank, s.task_id, s.no) --pg
select json_group_array(json_array(s.task_id, s.no, s.name, s.lane, s.attempt, s.fence, s.crashes, s.epoch, s.rank)) --lite
from tasker.steps s --pg
from (select * from tasker.steps where worker = :worker and stamp = :tx and state = 'in_progress' order by rank, task_id, no) s --lite
where s.worker = :worker and s.stamp = :tx and s.state = 'in_progress'

-- name: waiting_lanes
-- Which of the served lanes have something waiting, and the rank of the first of it: one probe of the index per lane.
-- What is paused waits for no worker.
with l as (select value as lane from jsonb_array_elements_text(:lanes::jsonb)) --pg
with l as materialized (select value as lane from json_each(:lanes)) --lite
select l.lane, (select s.rank from tasker.steps s where s.state = 'enqueued' and s.lane = l.lane order by s.rank limit 1)
from l where not exists (select 1 from tasker.paused_namespaces p
  where p.namespace || '/' = substr(l.lane, 1, length(p.namespace) + 1))

-- name: leases_of
-- What the database believes that a worker holds.
select s.task_id, s.no, s.fence, s.name, s.attempt, s.crashes, t.template_id, s.worker, s.lane, s.claimed_at, s.epoch
from tasker.steps s join tasker.tasks t on t.id = s.task_id
where s.worker = :worker and s.state = 'in_progress'

-- name: inputs_of_tasks
-- Context and circumstances of tasks whose first step comes to this process.
select t.id, t.uuid, t.template_id, p.context, p.correlation_id, p.traceparent
from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
where t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where t.id in (select value from json_each(:tasks)) --lite

-- name: results_of_steps
-- Results of finished steps, for those that depend on them.
with b as (select * from jsonb_to_recordset(:steps::jsonb) as j(task bigint, step integer)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step from json_each(:steps)) --lite
select s.task_id, s.no, a.result
from b join tasker.steps s on s.task_id = b.task and s.no = b.step and s.state in ('complete', 'resolved_manually')
  join tasker.attempts a on a.task_id = s.task_id and a.no = s.no and a.fence = s.fence
  and a.state in ('complete', 'resolved_manually')

-- name: due_steps
-- Steps whose retry time has come.
select s.task_id, s.no from tasker.steps s where s.state = 'waiting_for_retry' and s.run_at <= :now
order by s.run_at limit 200

-- name: next_due
select min(s.run_at) from tasker.steps s where s.state = 'waiting_for_retry'

-- name: enqueue_due
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step from json_each(:batch)) --lite
update tasker.steps as s set state = 'enqueued', enqueued_at = :now, stamp = :tx
from b where s.task_id = b.task and s.no = b.step
  and case when s.state = 'waiting_for_retry' and s.run_at <= :now then true else false end
returning task_id, no
