-- Looking for tasks that stand still. What is unfinished is walked in slices, each along an index that is as long as a
-- queue, not as the history: from where the slice before ended, so that one look costs the same whatever waits. Tasks that
-- have nothing to run, which there shouldn't be, are looked for along the tasks' numbers.

-- name: served_lanes
-- Which lanes are served, and which were until when: by workers that are gone since not too long ago.
select w.lanes, w.state, w.beat_at from tasker.workers w where w.state = 'live' or w.beat_at >= :since

-- fragment: steps_of_slice
  select s.task_id as task, s.no, s.name, s.state, s.lane, s.attempt, s.run_at, s.enqueued_at, s.claimed_at, s.ended_at,
    s.rank, s.worker, s.stamp
  from tasker.steps s

-- fragment: paces
select p.task, t.uuid, t.template_id, t.namespace, t.name, t.state, t.created_at, t.updated_at, p.no, p.name, p.state,
  p.lane, p.attempt, p.run_at, p.enqueued_at, p.claimed_at, p.ended_at, p.rank, p.worker, p.stamp
from p join tasker.tasks t on t.id = p.task

-- name: standing_ready
-- Ordered as the index is and no further, for many tasks may have been created at once: of those at the place where the
-- slice before ended so many are passed over as it had.
with p as materialized (
-- use: steps_of_slice
  where s.state = 'enqueued' and (s.lane, s.rank, s.no) >= (:lane, :rank, :no)
  order by s.lane, s.rank, s.no limit :page offset :seen)
-- use: paces
order by p.lane, p.rank, p.no

-- name: standing_waiting
with p as materialized (
-- use: steps_of_slice
  where s.state = 'waiting_for_retry' and s.run_at >= :run_at
  order by s.run_at limit :page offset :seen)
-- use: paces
order by p.run_at

-- name: standing_running
with p as materialized (
-- use: steps_of_slice
  where s.state = 'in_progress' and (s.worker, s.stamp) >= (:worker, :stamp)
  order by s.worker, s.stamp limit :page offset :seen)
-- use: paces
order by p.worker, p.stamp

-- name: standing_pending
-- Of the next tasks by number those that have nothing to run, and the last one, from which the next slice goes on.
with p as materialized (
  select t.id as task, t.uuid, t.template_id, t.namespace, t.name, t.state, t.created_at, t.updated_at
  from tasker.tasks t where t.id > :task order by t.id limit :page)
select p.task, p.uuid, p.template_id, p.namespace, p.name, p.state, p.created_at, p.updated_at
from p where p.state in ('pending', 'waiting_for_dependencies') or p.task = (select max(q.task) from p q)
order by p.task

-- name: course_of_task
-- Under the task's lock: when it came into being and last moved, also by a word that changed no state or was said of its
-- namespace, and what last happened to each of its steps.
select t.created_at, t.updated_at, coalesce((select max(r.at) from tasker.transitions r where r.task_id = t.id), 0),
  coalesce((select max(w.at) from tasker.namespace_words w where w.namespace = t.namespace), 0),
  s.no, s.name, s.state, s.lane, s.attempt, s.run_at, s.enqueued_at, s.claimed_at, s.ended_at
from tasker.tasks t join tasker.steps s on s.task_id = t.id
where t.id = :task
order by s.no

-- name: paces_of_tasks
-- Of the unfinished tasks those that moved the longest ago, with their unfinished steps; looked for among the first :most
-- steps of each kind.
with open_tasks as materialized (
  select task_id as task from (select s.task_id from tasker.steps s where s.state = 'enqueued' limit :most) as ready
  union
  select task_id from (select s.task_id from tasker.steps s where s.state = 'in_progress' limit :most) as running
  union
  select task_id from (select s.task_id from tasker.steps s where s.state = 'waiting_for_retry'
    order by s.run_at limit :most) as waiting),
oldest as materialized (
  select t.id as task from open_tasks o join tasker.tasks t on t.id = o.task order by t.updated_at, t.id limit :limit),
p as materialized (
-- use: steps_of_slice
  where s.task_id in (select o.task from oldest o) and s.state in ('enqueued', 'in_progress', 'waiting_for_retry'))
-- use: paces
order by t.updated_at, t.id, p.no
