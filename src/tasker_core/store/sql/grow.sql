-- Steps that come into being while their task runs. Only behind a report that was applied: the row of the step that
-- brings them about, a decision or an analyzer, carries this transaction's stamp and the fence of the lease that was
-- reported. They are written behind free_children, so their `waits` count that step as done.

-- name: insert_born_steps
-- An earlier try of the same decision may have brought some about already: those stay as they are. One that was there
-- before a restart goes on with its fences where it ended: each of them is in its attempts. In a task that is paused they
-- are held, as the step is that brings them about.
insert into tasker.steps (task_id, no, name, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch,
  worker, stamp, enqueued_at, claimed_at, ended_at)
with b as (select cast(j.v->>0 as integer) as step, j.v->>1 as name, j.v->>2 as lane, cast(j.v->>3 as integer) as waits from jsonb_array_elements(:steps::jsonb) as j(v)) --pg
with b as materialized (select value->>0 as step, value->>1 as name, value->>2 as lane, value->>3 as waits from json_each(:steps)) --lite
select d.task_id, b.step, b.name, case when b.waits = 0 then 'enqueued' else 'pending' end,
  case when d.lane like '/%' then '/' || b.lane else b.lane end, d.rank, :now, b.waits,
  0, coalesce((select max(a.fence) from tasker.attempts a where a.task_id = d.task_id and a.no = b.step), 0), 0,
  d.epoch, 0, 0, case when b.waits = 0 then :now else 0 end, 0, 0
from tasker.steps d cross join b
where d.task_id = :task and d.no = :opener and case when d.stamp = :tx and d.fence = :held then true else false end
on conflict do nothing

-- name: insert_born_edges
insert into tasker.dependencies (task_id, parent, child)
with b as (select cast(j.v->>0 as integer) as parent_no, cast(j.v->>1 as integer) as child_no from jsonb_array_elements(:edges::jsonb) as j(v)) --pg
with b as materialized (select value->>0 as parent_no, value->>1 as child_no from json_each(:edges)) --lite
select d.task_id, b.parent_no, b.child_no
from tasker.steps d cross join b
where d.task_id = :task and d.no = :opener and case when d.stamp = :tx and d.fence = :held then true else false end
on conflict do nothing

-- name: count_steps
update tasker.tasks set total_steps = (select count(*) from tasker.steps s where s.task_id = :task) where id = :task

-- name: insert_inputs
-- What each instance of a batch is to work on.
insert into tasker.step_payloads (task_id, no, inputs)
with b as (select cast(j.v->>0 as integer) as step, j.v->>1 as inputs from jsonb_array_elements(:inputs::jsonb) as j(v)) --pg
with b as materialized (select value->>0 as step, value->>1 as inputs from json_each(:inputs)) --lite
select d.task_id, b.step, b.inputs
from tasker.steps d cross join b
where d.task_id = :task and d.no = :opener and case when d.stamp = :tx and d.fence = :held then true else false end
on conflict do nothing

-- name: insert_batch
insert into tasker.batches (task_id, no, analyzer, strategy, parallelism, total, next, free, halted, stamp)
select d.task_id, :worker_step, d.no, :strategy, :parallelism, :total, :next, :free, 0, 0
from tasker.steps d
where d.task_id = :task and d.no = :opener and case when d.stamp = :tx and d.fence = :held then true else false end
on conflict do nothing
