-- Compensations: steps that undo others, born together under the lock of their task and of all its steps, decided from
-- the task as it stands. A task is undone once: `undo` says how far that is (0 not, 1 under way, 2 done).

-- name: tasks_to_undo
-- Of tasks that came to rest those of which something may be to undo. What completed as it should isn't looked at again.
select t.id from tasker.tasks t
where t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where t.id in (select value from json_each(:tasks)) --lite
  and (t.state = 'blocked_by_failures' or t.undo = 1)
order by t.id

-- name: insert_compensations
-- They are claimed in the order of their task, and by processes that know what was done to it.
insert into tasker.steps (task_id, no, name, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch,
  worker, stamp, enqueued_at, claimed_at, ended_at)
with b as (select cast(j.v->>0 as integer) as step, j.v->>1 as name, j.v->>2 as lane, cast(j.v->>3 as integer) as waits, cast(j.v->>4 as integer) as undone from jsonb_array_elements(:steps::jsonb) as j(v)) --pg
with b as materialized (select value->>0 as step, value->>1 as name, value->>2 as lane, value->>3 as waits, value->>4 as undone from json_each(:steps)) --lite
select o.task_id, b.step, b.name, case when b.waits = 0 then 'enqueued' else 'pending' end, b.lane, o.rank, :now, b.waits,
  0, 0, 0, (select max(s.epoch) from tasker.steps s where s.task_id = :task), 0, 0,
  case when b.waits = 0 then :now else 0 end, 0, 0
from b join tasker.steps o on o.task_id = :task and o.no = b.undone
where true

-- name: insert_compensation_edges
insert into tasker.dependencies (task_id, parent, child)
with b as (select cast(j.v->>0 as integer) as parent_no, cast(j.v->>1 as integer) as child_no from jsonb_array_elements(:edges::jsonb) as j(v)) --pg
with b as materialized (select value->>0 as parent_no, value->>1 as child_no from json_each(:edges)) --lite
select :task, b.parent_no, b.child_no from b
where true

-- name: mark_undo
update tasker.tasks set undo = :undo where id = :task
