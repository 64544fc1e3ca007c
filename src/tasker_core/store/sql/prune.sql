-- Dropping finished tasks that are old enough, the children first: nothing of a task is left in any table.

-- name: old_tasks
-- The next page of tasks in the order of their numbers, and which of them may go. Old tasks have low numbers, so this
-- needs no index that the hot path would have to write; the caller stops where a page holds young tasks only.
-- A task stays whose events somebody lacks who was heard of lately: a subscriber, or a webhook that isn't given up.
with p as materialized (
  select t.id as task, t.state, t.namespace, t.total_steps, t.created_at, t.completed_at
  from tasker.tasks t where t.id > :after order by t.id limit :page)
select p.task, p.total_steps, p.created_at,
  case when p.state in ('complete', 'error', 'cancelled', 'resolved_manually')
    and p.completed_at > 0 and p.completed_at < :before
    and (cast(:namespace as text) is null or p.namespace = :namespace)
    and not exists (select 1 from tasker.dead_letters d where d.task_id = p.task and d.status = 'pending')
    and not exists (select 1 from tasker.events e join tasker.subscriptions s
      on s.state = 'active' and s.updated_at > :heard and (e.number = 0 or e.number > s.position)
      where e.task_id = p.task)
  then 1 else 0 end
from p order by p.task

-- name: lock_old_tasks
-- Whoever works on a task holds its row: such a task is left for the next time, nobody waits for the pruning.
select t.id from tasker.tasks t
where t.state in ('complete', 'error', 'cancelled', 'resolved_manually')
  and t.completed_at > 0 and t.completed_at < :before
  and not exists (select 1 from tasker.dead_letters d where d.task_id = t.id and d.status = 'pending')
  and not exists (select 1 from tasker.events e join tasker.subscriptions s
    on s.state = 'active' and s.updated_at > :heard and (e.number = 0 or e.number > s.position)
    where e.task_id = t.id)
  and t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) order by t.id for update of t skip locked --pg
  and t.id in (select value from json_each(:tasks)) order by t.id --lite

-- name: drop_attempts
delete from tasker.attempts
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_transitions
delete from tasker.transitions
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_warnings
delete from tasker.warnings
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_events
delete from tasker.events
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_dead_letters
delete from tasker.dead_letters
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_dependencies
delete from tasker.dependencies
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_steps
delete from tasker.steps
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_step_payloads
delete from tasker.step_payloads
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_step_keys
delete from tasker.step_keys
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_batches
delete from tasker.batches
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_former_contexts
delete from tasker.former_contexts
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_pauses
delete from tasker.paused_tasks
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_payloads
delete from tasker.task_payloads
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite

-- name: drop_tasks
delete from tasker.tasks
where id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where id in (select value from json_each(:tasks)) --lite
