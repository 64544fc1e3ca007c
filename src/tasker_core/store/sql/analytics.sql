-- Figures over the tasks of the last hours. They read what was created since, by number, and nothing older.

-- name: newest_task
select coalesce(max(id), 0) from tasker.tasks

-- name: task_from
-- The first task at or after a number: numbers rise with time, so that the first task since a moment is found by halving.
select id, created_at from tasker.tasks where id >= :id order by id limit 1

-- name: count_states
select t.state, count(*),
  sum(case when t.completed_at > 0 then t.completed_at - t.created_at else 0 end)
from tasker.tasks t where t.id >= :first
group by t.state

-- name: count_attempts
-- A hand-back wasn't an attempt, nor is what an operator took away or ended.
select count(*), coalesce(sum(a.ended_at - a.claimed_at), 0)
from tasker.attempts a where a.task_id >= :first and a.ending not in ('released', 'by_hand', 'taken')

-- name: slow_steps
-- By the steps that templates declare: all instances of a batch are one. A checkpoint is no failure.
select t.namespace, t.name, t.version, t.template_id, case when a.no < 65536 then a.no else a.no / 65536 end as step,
  avg(a.ended_at - a.claimed_at) as average, max(a.ended_at - a.claimed_at), count(*),
  sum(case when a.ending in ('ok', 'yielded') then 0 else 1 end), max(a.ended_at)
from tasker.tasks t join tasker.attempts a on a.task_id = t.id
where t.id >= :first and a.ending not in ('released', 'by_hand', 'taken')
group by t.namespace, t.name, t.version, t.template_id, step
having count(*) >= :least
order by average desc, t.namespace, t.name, t.version, step
limit :limit

-- name: slow_tasks
select t.namespace, t.name, t.version, avg(t.completed_at - t.created_at) as average,
  max(t.completed_at - t.created_at), count(*), avg(t.total_steps),
  sum(case when t.state = 'error' then 1 else 0 end), max(t.completed_at)
from tasker.tasks t
where t.id >= :first and t.state in ('complete', 'error')
group by t.namespace, t.name, t.version
having count(*) >= :least
order by average desc, t.namespace, t.name, t.version
limit :limit

-- name: attempts_by_time
-- Attempts that ended since a moment, by stretches of :width: how many, and how many of them failed.
select a.ended_at / :width as stretch, count(*), sum(case when a.ending in ('ok', 'yielded') then 0 else 1 end)
from tasker.attempts a
where a.task_id >= :first and a.ended_at >= :since and a.ending not in ('released', 'by_hand', 'taken')
group by stretch order by stretch

-- name: newest_attempts
-- A sample of the latest, from which quantiles are told: how long each waited for a worker, and ran.
select a.claimed_at - a.enqueued_at, a.ended_at - a.claimed_at from tasker.attempts a
where a.task_id >= :first and a.ended_at >= :since and a.ending not in ('released', 'by_hand', 'taken')
order by a.task_id desc limit :most

-- name: latest_words
-- Who did what to tasks created since, the newest first: what workers and the engine did is left out, unless all is asked.
select t.uuid, t.namespace, t.name, x.no, s.name, x.from_state, x.to_state, x.at, x.actor, x.reason
from tasker.transitions x join tasker.tasks t on t.id = x.task_id
  left join tasker.steps s on s.task_id = x.task_id and s.no = x.no
where x.task_id >= :first and (:everybody = 1 or x.actor like 'client%')
order by x.at desc, x.task_id desc, x.no limit :limit
