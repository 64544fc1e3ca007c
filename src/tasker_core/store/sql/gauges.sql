-- How much waits, at this moment. Every statement walks a partial index over what is unfinished, or counts no further
-- than :most, so that asking costs the same beside any history and any backlog.

-- name: gauge_queues
-- Per lane: how many steps are ready, and since when the one has waited that has waited longest; of both no more are
-- looked at than the first :most in line. Lanes are found by leaping along the index from one to the next. Steps of paused
-- tasks wait for no worker.
with recursive lanes(lane) as (
  select min(s.lane) from tasker.steps s where s.state = 'enqueued'
  union all
  select (select min(s.lane) from tasker.steps s where s.state = 'enqueued' and s.lane > l.lane)
  from lanes l where l.lane is not null)
select l.lane,
  (select count(*) from (select 1 from tasker.steps s
    where s.state = 'enqueued' and s.lane = l.lane limit :most) as counted),
  (select min(w.enqueued_at) from (select s.enqueued_at from tasker.steps s
    where s.state = 'enqueued' and s.lane = l.lane order by s.rank limit :most) as w)
from lanes l where l.lane is not null and l.lane not like '/%'

-- name: gauge_deepest
-- How many steps wait in each lane.
with recursive lanes(lane) as (
  select min(s.lane) from tasker.steps s where s.state = 'enqueued'
  union all
  select (select min(s.lane) from tasker.steps s where s.state = 'enqueued' and s.lane > l.lane)
  from lanes l where l.lane is not null)
select l.lane, (select count(*) from (select 1 from tasker.steps s
  where s.state = 'enqueued' and s.lane = l.lane limit :most) as counted)
from lanes l where l.lane is not null and l.lane not like '/%'

-- name: gauge_steps
select (select count(*) from (select 1 from tasker.steps s where s.state = 'in_progress' limit :most) as counted),
  (select count(*) from (select 1 from tasker.steps s where s.state = 'waiting_for_retry' limit :most) as counted)

-- name: gauge_tasks
-- A task that isn't finished has a step that is ready, runs, waits for a retry or has failed. Failed steps of tasks that
-- were given up stay until these are pruned: the newest are looked at.
with unfinished as materialized (
  select task_id as task from (select s.task_id from tasker.steps s where s.state = 'enqueued' limit :most) as ready
  union
  select task_id from (select s.task_id from tasker.steps s where s.state = 'in_progress' limit :most) as running
  union
  select task_id from (select s.task_id from tasker.steps s where s.state = 'waiting_for_retry' limit :most) as waiting
  union
  select task_id from (select s.task_id from tasker.steps s where s.state = 'error'
    order by s.task_id desc limit :most) as failed)
select t.state, count(*) from unfinished u join tasker.tasks t on t.id = u.task
where t.state not in ('complete', 'error', 'cancelled', 'resolved_manually')
group by t.state

-- name: gauge_workers
select w.state, count(*) from tasker.workers w where w.state in ('live', 'draining') group by w.state

-- name: gauge_dead_letters
select count(*) from (select 1 from tasker.dead_letters d where d.status = 'pending' limit :most) as counted
