-- An operator's word. These statements run under the lock of one task (lock_tasks) and of all its steps: whoever decides
-- what is to become of them has seen them as they are. :changes is a JSON list of what each step becomes; :tx is the
-- word's stamp, which is in the audit once it has been done.

-- name: task_to_mend
select t.uuid, t.state, t.undo, (select count(*) from tasker.transitions r where r.task_id = t.id and r.stamp = :tx), p.at, p.actor,
  p.reason
from tasker.tasks t left join tasker.paused_tasks p on p.task_id = t.id
where t.id = :task

-- name: lock_steps
-- A claim passes over rows that are locked: no step begins to run while it is decided what becomes of it.
select s.no, s.name, s.state, s.lane, s.rank, s.waits, s.attempt, s.fence, s.epoch from tasker.steps s where s.task_id = :task
order by s.no
for no key update of s --pg

-- name: record_taken
-- The attempts that end because their steps are taken out of their workers' hands; before the steps change.
insert into tasker.attempts (task_id, no, fence, stamp, attempt, ending, state, worker, enqueued_at, claimed_at, ended_at, reason, result, error)
with c as (select * from jsonb_to_recordset(:changes::jsonb) as j(no integer, state text)) --pg
with c as materialized (select value->>'no' as no, value->>'state' as state from json_each(:changes)) --lite
select s.task_id, s.no, s.fence, :tx, s.attempt, 'taken', c.state, s.worker, s.enqueued_at, s.claimed_at, :now, :reason, null, null
from c join tasker.steps s on s.task_id = :task and s.no = c.no and s.state = 'in_progress'
where true

-- name: record_changes
-- The audit of a word: what each step, and as number 0 the task, was and is.
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason, verb)
with c as (select * from jsonb_to_recordset(:changes::jsonb) as j(no integer, was text, state text)) --pg
with c as materialized (select value->>'no' as no, value->>'was' as was, value->>'state' as state from json_each(:changes)) --lite
select :task, c.no, :tx, c.was, c.state, :now, :actor, :reason, :verb
from c where true

-- name: mend_steps
-- A step that begins anew has all its attempts again. The fence stays: it is never repeated.
with c as (select * from jsonb_to_recordset(:changes::jsonb) as j(no integer, state text, waits integer, anew integer, after bigint)) --pg
with c as materialized (select value->>'no' as no, value->>'state' as state, value->>'waits' as waits, value->>'anew' as anew, value->>'after' as after from json_each(:changes)) --lite
update tasker.steps as s set state = c.state, waits = c.waits, stamp = :tx,
  attempt = case when c.anew = 1 then 0 else s.attempt end,
  crashes = case when c.anew = 1 then 0 else s.crashes end,
  run_at = case when c.anew = 1 then :now + c.after else s.run_at end,
  enqueued_at = case when c.state = 'enqueued' then :now when c.anew = 1 then 0 else s.enqueued_at end,
  ended_at = case when c.state = 'cancelled' then :now else s.ended_at end
from c where s.task_id = :task and s.no = c.no

-- name: raise_epoch
-- What a process remembers of this task is good for one epoch only. All steps that may still be claimed have the same.
update tasker.steps set epoch = :epoch
where task_id = :task and state not in ('complete', 'cancelled', 'resolved_manually')

-- name: move_task
-- Marked as troubled, so that from now on all its steps are looked at to say where it stands.
update tasker.tasks set previous = state, state = :state, troubled = 1, stamp = :tx, updated_at = :now,
  completed_at = case when :state in ('complete', 'error', 'cancelled', 'resolved_manually') then :now else 0 end
where id = :task

-- name: batches_of_task
select g.no, g.parallelism, g.total, g.next, g.free, g.halted from tasker.batches g where g.task_id = :task

-- name: set_batches
-- Which instances of a batch may run when some of them run again; an operator's word ends a halt.
with c as (select * from jsonb_to_recordset(:batches::jsonb) as j(no integer, next integer, free integer)) --pg
with c as materialized (select value->>'no' as no, value->>'next' as next, value->>'free' as free from json_each(:batches)) --lite
update tasker.batches as g set next = c.next, free = c.free, halted = 0
from c where g.task_id = :task and g.no = c.no

-- name: forget_checkpoints
-- Steps that run again from their beginning; what instances of batches are to work on stays.
update tasker.step_payloads set checkpoint = null where task_id = :task and inputs is not null
  and no in (select value::integer from jsonb_array_elements_text(:steps::jsonb)) --pg
  and no in (select value from json_each(:steps)) --lite

-- name: drop_checkpoints
delete from tasker.step_payloads where task_id = :task and inputs is null
  and no in (select value::integer from jsonb_array_elements_text(:steps::jsonb)) --pg
  and no in (select value from json_each(:steps)) --lite

-- name: keep_context
-- Nothing of what a task ever worked on is lost.
insert into tasker.former_contexts (task_id, stamp, context)
select p.task_id, :tx, p.context from tasker.task_payloads p where p.task_id = :task

-- name: edit_context
update tasker.task_payloads set context = :context where task_id = :task

-- name: drop_context_warnings
-- Those that were about the context before.
delete from tasker.warnings where task_id = :task and no = 0

-- name: record_left
-- A step that was cancelled amid an attempt has no row of it. It gets one before it begins anew or is removed: each claim
-- ends once, and one that is born again goes on with its fences, so that who still runs that attempt is refused.
insert into tasker.attempts (task_id, no, fence, stamp, attempt, ending, state, worker, enqueued_at, claimed_at, ended_at, reason, result, error)
select s.task_id, s.no, s.fence, :tx, s.attempt, 'taken', s.state, s.worker, s.enqueued_at, s.claimed_at, s.ended_at, :reason, null, null
from tasker.steps s where s.task_id = :task and s.state = 'cancelled' and s.fence > 0
  and s.no in (select value::integer from jsonb_array_elements_text(:left::jsonb)) --pg
  and s.no in (select value from json_each(:left)) --lite
  and not exists (select 1 from tasker.attempts a where a.task_id = s.task_id and a.no = s.no and a.fence = s.fence)

-- name: remove_steps
-- What a decision or an analyzer had brought about that decides anew. What there is of their attempts stays.
delete from tasker.steps where task_id = :task
  and no in (select value::integer from jsonb_array_elements_text(:gone::jsonb)) --pg
  and no in (select value from json_each(:gone)) --lite

-- name: remove_edges
delete from tasker.dependencies where task_id = :task
  and (parent in (select value::integer from jsonb_array_elements_text(:gone::jsonb)) --pg
  and (parent in (select value from json_each(:gone)) --lite
    or child in (select value::integer from jsonb_array_elements_text(:gone::jsonb))) --pg
    or child in (select value from json_each(:gone))) --lite

-- name: remove_payloads
delete from tasker.step_payloads where task_id = :task
  and no in (select value::integer from jsonb_array_elements_text(:gone::jsonb)) --pg
  and no in (select value from json_each(:gone)) --lite

-- name: remove_batches
delete from tasker.batches where task_id = :task
  and no in (select value::integer from jsonb_array_elements_text(:closed::jsonb)) --pg
  and no in (select value from json_each(:closed)) --lite

-- name: seize_step
-- The operator claims the step, whatever its state: what was under way is fenced off, and the end that follows is settled
-- like any other.
update tasker.steps set state = 'in_progress', worker = 0, fence = fence + 1, claimed_at = :now, stamp = :tx
where task_id = :task and no = :no
