-- What the benchmarks ask beside a running store, of the rows' own times.

-- name: done
select count(*) from tasker.tasks t where t.state = 'complete'

-- name: created
select count(*) from tasker.tasks t

-- name: span_created
-- Microseconds from the first create to the last completion.
select max(t.completed_at) - min(t.created_at) from tasker.tasks t

-- name: all_at_work
-- When the last worker made its first claim.
select max(f.first) from (select min(a.claimed_at) as first from tasker.attempts a group by a.worker) f

-- name: claimed_since
select count(*) from tasker.attempts a where a.claimed_at >= :since

-- name: completed
select max(t.completed_at) from tasker.tasks t

-- name: steps_since
-- How many steps were claimed after a time, and how long that took from when all workers of then were at work.
select count(*), max(a.ended_at) - (select max(f.first) from (select min(b.claimed_at) as first from tasker.attempts b
  where b.claimed_at > :after group by b.worker) f)
from tasker.attempts a where a.claimed_at >= (select max(f.first) from (select min(b.claimed_at) as first
  from tasker.attempts b where b.claimed_at > :after group by b.worker) f)

-- name: taken
-- How long each task of a namespace took from create to complete, in microseconds.
select t.completed_at - t.created_at from tasker.tasks t
where t.namespace = :namespace and t.state = 'complete' order by t.id

-- name: started_after
-- How long each task of a namespace waited for its first claim, in microseconds.
select min(a.claimed_at) - t.created_at from tasker.tasks t join tasker.attempts a on a.task_id = t.id
where t.namespace = :namespace group by t.id, t.created_at

-- name: done_in
select count(*) from tasker.tasks t where t.namespace = :namespace and t.state = 'complete'
