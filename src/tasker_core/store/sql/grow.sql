-- Steps that come into being while their task runs. Only behind a report that was applied: the decision's row carries
-- this transaction's stamp and the fence of the lease that was reported.

-- name: insert_born_steps
-- An earlier try of the same decision may have brought some about already: those stay as they are.
insert into tasker.steps (task_id, no, name, state, lane, rank, run_at, waits, attempt, fence, crashes, epoch,
  worker, stamp, enqueued_at, claimed_at, ended_at)
with b as (select * from jsonb_to_recordset(:steps::jsonb) as j(task bigint, decision integer, held bigint, step integer, name text, lane text, waits integer)) --pg
with b as materialized (select value->>'task' as task, value->>'decision' as decision, value->>'held' as held, value->>'step' as step, value->>'name' as name, value->>'lane' as lane, value->>'waits' as waits from json_each(:steps)) --lite
select d.task_id, b.step, b.name, case when b.waits = 0 then 'enqueued' else 'pending' end, b.lane, d.rank, :now, b.waits,
  0, 0, 0, d.epoch, 0, 0, case when b.waits = 0 then :now else 0 end, 0, 0
from b join tasker.steps d on d.task_id = b.task and d.no = b.decision
  and case when d.stamp = :tx and d.fence = b.held then true else false end
where true
on conflict do nothing

-- name: insert_born_edges
insert into tasker.dependencies (task_id, parent, child)
with b as (select * from jsonb_to_recordset(:edges::jsonb) as j(task bigint, decision integer, held bigint, parent_no integer, child_no integer)) --pg
with b as materialized (select value->>'task' as task, value->>'decision' as decision, value->>'held' as held, value->>'parent_no' as parent_no, value->>'child_no' as child_no from json_each(:edges)) --lite
select d.task_id, b.parent_no, b.child_no
from b join tasker.steps d on d.task_id = b.task and d.no = b.decision
  and case when d.stamp = :tx and d.fence = b.held then true else false end
where true
on conflict do nothing

-- name: count_steps
update tasker.tasks set total_steps = (select count(*) from tasker.steps s where s.task_id = :task) where id = :task
