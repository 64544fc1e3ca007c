-- One batch of verdicts, applied in one transaction and one pipelined round trip.
-- Parameters: :batch is a JSON list of the verdicts' hot part, :payloads of their results and errors, :tasks of the
-- ids of their tasks; :tx is a new number,
-- this transaction's stamp; :now is the time; `held` is the fence of the lease that a verdict speaks of.
-- Every statement after the first compares the fence as well as the stamp: the same verdict twice in a batch, or a
-- stale one beside a valid one, meets the stamped row a second time and must not count there.
-- None of them returns a row per step: every row that is fetched gives the interpreter's lock away, and a busy handler
-- keeps it for milliseconds. What was claimed comes as one JSON text.
-- `case when .. then true else false end` hides a predicate whose selectivity the planner would misjudge: believed to
-- match one row, `stamp = :tx` makes it read all steps first.

-- name: lock_tasks
-- One hand per task: in id order, in a statement of its own, so that what follows sees what was committed before.
-- SQLite has one writer at a time and needs no lock.
select t.id from tasker.tasks t where t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) order by t.id for no key update --pg
select 1 where false --lite

-- name: settle_steps
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer, held bigint, state text, run_at bigint, refund integer, crashes integer)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held, value->>'state' as state, value->>'run_at' as run_at, value->>'refund' as refund, value->>'crashes' as crashes from json_each(:batch)) --lite
update tasker.steps as s set state = b.state, stamp = :tx, ended_at = :now, run_at = b.run_at,
  attempt = s.attempt - b.refund, crashes = b.crashes
from b where s.task_id = b.task and s.no = b.step
  and case when s.state = 'in_progress' and s.fence = b.held then true else false end

-- name: settled_steps
-- Which verdicts of a batch were applied, asked only when fewer were than it holds.
select a.task_id, a.no, a.fence from tasker.attempts a
where a.stamp = :tx and (a.task_id, a.no) in (select j.task, j.step
  from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer)) --pg
  from (select value->>'task' as task, value->>'step' as step from json_each(:batch)) as j) --lite

-- name: record_attempts
-- A row per ended attempt: its result or error and its audit at once.
with r as (select * from jsonb_to_recordset(:payloads::jsonb) as j(task bigint, step integer, held bigint, attempt integer, ending text, reason text, result text, error text)) --pg
with r as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held, value->>'attempt' as attempt, value->>'ending' as ending, value->>'reason' as reason, value->>'result' as result, value->>'error' as error from json_each(:payloads)) --lite
insert into tasker.attempts (task_id, no, fence, stamp, attempt, ending, state, worker, enqueued_at, claimed_at, ended_at, reason, result, error)
select s.task_id, s.no, s.fence, s.stamp, r.attempt, r.ending, s.state, s.worker,
  s.enqueued_at, s.claimed_at, s.ended_at, r.reason, r.result, r.error
from r join tasker.steps s on s.task_id = r.task and s.no = r.step
  and case when s.stamp = :tx and s.fence = r.held then true else false end
where true

-- name: date_queued_steps
-- Steps that go straight back into the queue. Only here, for the attempt that ended keeps the time it was queued at.
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer, held bigint)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:batch)) --lite
update tasker.steps as s set enqueued_at = :now
from b where s.task_id = b.task and s.no = b.step
  and case when s.stamp = :tx and s.fence = b.held and s.state = 'enqueued' then true else false end

-- name: free_children
-- The counter `waits` is a gate that is cheap to pass; that the last parent is really done is recomputed behind it.
-- Only rows that this transaction changed lower it, so a duplicate report can't.
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer, held bigint)), --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:batch)), --lite
c as materialized (
  select e.task_id as task, e.child, count(*) as n
  from b join tasker.steps p on p.task_id = b.task and p.no = b.step
    and case when p.stamp = :tx and p.fence = b.held and p.state in ('complete', 'resolved_manually') then true else false end
  join tasker.dependencies e on e.task_id = p.task_id and e.parent = p.no
  group by e.task_id, e.child)
update tasker.steps as s set waits = s.waits - c.n, stamp = :tx,
  enqueued_at = case when s.waits = c.n and s.state = 'pending' then :now else s.enqueued_at end,
  state = case when s.waits = c.n and s.state = 'pending' and not exists (
      select 1 from tasker.dependencies e join tasker.steps p on p.task_id = e.task_id and p.no = e.parent
      where e.task_id = s.task_id and e.child = s.no and p.state not in ('complete', 'resolved_manually'))
    then 'enqueued' else s.state end
from c where s.task_id = c.task and s.no = c.child

-- name: trouble_tasks
-- A task of which a step didn't simply complete is marked, so that only such tasks pay for the whole look at their steps.
update tasker.tasks set troubled = 1 where troubled = 0 and id in (
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer, held bigint)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:batch)) --lite
  select s.task_id from b join tasker.steps s on s.task_id = b.task and s.no = b.step
    and case when s.stamp = :tx and s.fence = b.held and s.state <> 'complete' then true else false end)

-- name: rest_tasks
-- Where each task stands now; rules/states.py computes the same. The first test meets the open tail of the steps at
-- once (`no desc`), where NOT EXISTS would read the finished prefix of a wide task every time. The instances of batches,
-- which have the highest numbers, are asked for last: what comes after a batch finds all of them finished. What runs of a
-- batch stands just before those that weren't let in.
with n as materialized (
  select t.id as task, t.state as was,
    case
      when coalesce(
          (select s.no from tasker.steps s where s.task_id = t.id and s.no < 65536
              and s.state not in ('complete', 'resolved_manually') order by s.no desc limit 1),
          (select s.no from tasker.steps s where s.task_id = t.id and s.no >= 65536
              and s.state not in ('complete', 'resolved_manually') order by s.no desc limit 1)) is null then 'complete'
      when t.troubled = 0 then 'steps_in_process'
      when coalesce(
          (select s.no from tasker.steps s where s.task_id = t.id and s.no < 65536
              and s.state in ('enqueued', 'in_progress') order by s.no desc limit 1),
          (select g.no from tasker.batches g where g.task_id = t.id
              and (select s.no from tasker.steps s where s.task_id = g.task_id
                and s.no >= g.no * 65536 and s.no < g.no * 65536 + g.next
                and s.state in ('enqueued', 'in_progress') order by s.no desc limit 1) is not null limit 1),
          (select s.no from tasker.steps s where s.task_id = t.id and s.no >= 65536
              and s.state in ('enqueued', 'in_progress')
              and not exists (select 1 from tasker.batches g where g.task_id = t.id) limit 1)
        ) is not null then 'steps_in_process'
      when (select s.no from tasker.steps s where s.task_id = t.id
              and s.state = 'waiting_for_retry' limit 1) is not null then 'waiting_for_retry'
      when (select s.no from tasker.steps s where s.task_id = t.id
              and s.state = 'error' limit 1) is not null then 'blocked_by_failures'
      else 'pending' end as became
  from tasker.tasks t
  where t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
  where t.id in (select value from json_each(:tasks)) --lite
    and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually'))
update tasker.tasks as t set previous = t.state, state = n.became, stamp = :tx, updated_at = :now,
  completed_at = case when n.became = 'complete' then :now else 0 end
from n where t.id = n.task and n.became <> n.was
returning id, state

-- name: record_rest
-- The transition of each task that the statement before moved.
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason)
select t.id, 0, t.stamp, t.previous, t.state, :now, :actor, ''
from tasker.tasks t
where t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where t.id in (select value from json_each(:tasks)) --lite
  and case when t.stamp = :tx then true else false end

-- name: reported_before
-- What is known of leases that a report named and the guarded update didn't find: was it the same report again?
select a.task_id, a.no, a.fence, a.ending, a.result, a.error
from tasker.attempts a where (a.task_id, a.no) in (select j.task, j.step
  from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer)) --pg
  from (select value->>'task' as task, value->>'step' as step from json_each(:batch)) as j) --lite

-- name: record_rejected
-- A late report of a lost lease changes nothing, but it is written down, also where a restart has removed the step.
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason)
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer, stamp bigint, reason text)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'stamp' as stamp, value->>'reason' as reason from json_each(:batch)) --lite
select t.id, b.step, b.stamp, coalesce(s.state, 'cancelled'), coalesce(s.state, 'cancelled'), :now, :actor, b.reason
from b join tasker.tasks t on t.id = b.task
  left join tasker.steps s on s.task_id = b.task and s.no = b.step
where true
