-- What was noticed about a task and didn't stop it. Most tasks have none, and then none of the writing ones is run.

-- name: insert_task_warnings
-- Only of the tasks that this transaction wrote.
insert into tasker.warnings (task_id, no, fence, position, code, path, message, at)
with b as (select * from jsonb_to_recordset(:warnings::jsonb) as j(id uuid, position integer, code text, path text, message text)) --pg
with b as materialized (select value->>'id' as id, value->>'position' as position, value->>'code' as code, value->>'path' as path, value->>'message' as message from json_each(:warnings)) --lite
select t.id, 0, 0, b.position, b.code, b.path, b.message, :now
from b join tasker.tasks t on t.uuid = b.id and case when t.stamp = :tx then true else false end
where true

-- name: insert_step_warnings
-- Only of the attempts that this transaction ended.
insert into tasker.warnings (task_id, no, fence, position, code, path, message, at)
with b as (select * from jsonb_to_recordset(:warnings::jsonb) as j(task bigint, step integer, held bigint, position integer, code text, path text, message text)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held, value->>'position' as position, value->>'code' as code, value->>'path' as path, value->>'message' as message from json_each(:warnings)) --lite
select s.task_id, s.no, s.fence, b.position, b.code, b.path, b.message, :now
from b join tasker.steps s on s.task_id = b.task and s.no = b.step
  and case when s.stamp = :tx and s.fence = b.held then true else false end
where true

-- name: warnings_of_tasks
-- In the order in which they came up; a warning of the task itself has neither step nor attempt.
select w.task_id, s.name, a.attempt, w.code, w.path, w.message, w.at
from tasker.warnings w
  left join tasker.steps s on s.task_id = w.task_id and s.no = w.no
  left join tasker.attempts a on a.task_id = w.task_id and a.no = w.no and a.fence = w.fence
where w.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where w.task_id in (select value from json_each(:tasks)) --lite
order by w.task_id, w.at, w.no, w.fence, w.position
