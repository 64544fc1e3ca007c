-- Dead letters: what a person should look at. They are few, whatever the history.

-- name: list_dead_letters
-- Newest first.
select d.id, t.uuid, t.namespace, t.name, t.state, d.no, s.name, d.reason, d.detail, d.status, d.created_at,
  d.resolved_at, d.resolved_by, d.notes, d.metadata
from tasker.dead_letters d join tasker.tasks t on t.id = d.task_id
  join tasker.steps s on s.task_id = d.task_id and s.no = d.no
where (cast(:status as text) is null or d.status = :status)
order by d.created_at desc, d.id desc
limit :limit offset :offset

-- name: dead_letters_of_task
select d.id, t.uuid, t.namespace, t.name, t.state, d.no, s.name, d.reason, d.detail, d.status, d.created_at,
  d.resolved_at, d.resolved_by, d.notes, d.metadata
from tasker.tasks t join tasker.dead_letters d on d.task_id = t.id
  join tasker.steps s on s.task_id = d.task_id and s.no = d.no
where t.uuid = :task
order by d.created_at desc, d.id desc

-- name: dead_letter_by_id
select d.id, t.uuid, t.namespace, t.name, t.state, d.no, s.name, d.reason, d.detail, d.status, d.created_at,
  d.resolved_at, d.resolved_by, d.notes, d.metadata
from tasker.dead_letters d join tasker.tasks t on t.id = d.task_id
  join tasker.steps s on s.task_id = d.task_id and s.no = d.no
where d.id = :id

-- name: update_dead_letter
-- What isn't given stays as it is; a letter that is pending again has no resolution.
update tasker.dead_letters set
  status = coalesce(cast(:status as text), status),
  notes = coalesce(cast(:notes as text), notes),
  resolved_by = coalesce(cast(:resolved_by as text), resolved_by),
  metadata = coalesce(cast(:metadata as text), metadata),
  resolved_at = case when coalesce(cast(:status as text), status) = 'pending' then 0
    when cast(:status as text) is null or status = cast(:status as text) then resolved_at else cast(:now as bigint) end
where id = :id
returning id

-- name: count_dead_letters
-- By reason and status; how long the resolved ones took is a sum, so that parts can be added up.
select d.reason, d.status, count(*), min(d.created_at), max(d.created_at),
  sum(case when d.resolved_at > 0 then d.resolved_at - d.created_at else 0 end)
from tasker.dead_letters d
group by d.reason, d.status
order by d.reason, d.status

-- name: standing_tasks
-- Unfinished tasks with something to run, and since when nothing of them moved; found by the small indexes of steps.
with open_tasks as materialized (
  select task_id from tasker.steps where state = 'enqueued'
  union select task_id from tasker.steps where state = 'in_progress'
  union select task_id from tasker.steps where state = 'waiting_for_retry')
select t.uuid, t.template_id, t.namespace, t.name, t.state, t.updated_at
from open_tasks o join tasker.tasks t on t.id = o.task_id
order by t.updated_at, t.id
limit :limit
