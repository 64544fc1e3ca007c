-- Which instances of a batch may run. Its row counts: instances with an index below `next` were let in, `free` more may
-- be; only a transaction that holds the task's lock touches it. An instance that wasn't let in, or was held back again,
-- is pending and waits for one: its parents were done before it came into being. The number of an instance is that of its
-- worker step, shifted by 16 bits, and its index.

-- name: end_instances
-- Instances that came to their end leave their places to others; the failure of one halts a batch that is to fail fast.
with b as (select * from jsonb_to_recordset(:batch::jsonb) as j(task bigint, step integer, held bigint)), --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:batch)), --lite
c as materialized (
  select s.task_id as task, s.no / 65536 as worker_step, count(*) as n, max(case when s.state = 'error' then 1 else 0 end) as failed
  from b join tasker.steps s on s.task_id = b.task and s.no = b.step and s.no >= 65536
    and case when s.stamp = :tx and s.fence = b.held and s.state in ('complete', 'resolved_manually', 'error') then true else false end
  group by s.task_id, s.no / 65536)
update tasker.batches as g set free = g.free + c.n, stamp = :tx,
  halted = case when g.strategy = 'fail_fast' and c.failed = 1 then 1 else g.halted end
from c where g.task_id = c.task and g.no = c.worker_step

-- name: admit_instances
-- The next ones in order, as many as there are free places.
update tasker.steps as s set waits = s.waits - 1, stamp = :tx,
  enqueued_at = case when s.waits = 1 then :now else s.enqueued_at end,
  state = case when s.waits = 1 and s.state = 'pending' then 'enqueued' else s.state end
from tasker.batches g
where g.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where g.task_id in (select value from json_each(:tasks)) --lite
  and case when g.stamp = :tx and g.halted = 0 and g.free > 0 then true else false end
  and s.task_id = g.task_id and s.no >= g.no * 65536 + g.next
  and s.no < g.no * 65536 + case when g.free < g.total - g.next then g.next + g.free else g.total end

-- name: count_admitted
update tasker.batches set
  next = case when free < total - next then next + free else total end,
  free = free - case when free < total - next then free else total - next end
where task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where task_id in (select value from json_each(:tasks)) --lite
  and case when stamp = :tx and halted = 0 and free > 0 then true else false end

-- name: record_held_back
-- Before the steps change, so that each transition says from where; the lock keeps a claim from slipping in between.
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason)
select s.task_id, s.no, :tx, s.state, 'pending', :now, :actor, 'held back: an instance of its batch failed (fail_fast)'
from tasker.batches g join tasker.steps s on s.task_id = g.task_id
  and s.no >= g.no * 65536 and s.no < g.no * 65536 + g.next
where g.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where g.task_id in (select value from json_each(:tasks)) --lite
  and case when g.halted = 1 then true else false end and s.state in ('enqueued', 'waiting_for_retry')
for no key update of s --pg

-- name: hold_back
-- What hasn't begun, or would run again, of batches that are halted. What runs may end.
update tasker.steps as s set state = 'pending', waits = s.waits + 1, stamp = :tx
from tasker.batches g
where g.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where g.task_id in (select value from json_each(:tasks)) --lite
  and case when g.halted = 1 then true else false end
  and s.task_id = g.task_id and s.no >= g.no * 65536 and s.no < g.no * 65536 + g.next
  and s.state in ('enqueued', 'waiting_for_retry')

-- name: free_from_set_aside
-- What waits for instances that failed, of batches that set those aside, waits for them no longer.
with b as (select * from jsonb_to_recordset(:aside::jsonb) as j(task bigint, step integer, held bigint)), --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:aside)), --lite
c as materialized (
  select e.task_id as task, e.child, count(*) as n
  from b join tasker.steps p on p.task_id = b.task and p.no = b.step
    and case when p.stamp = :tx and p.fence = b.held and p.state = 'error' then true else false end
  join tasker.dependencies e on e.task_id = p.task_id and e.parent = p.no
  group by e.task_id, e.child)
update tasker.steps as s set waits = s.waits - c.n, stamp = :tx,
  enqueued_at = case when s.waits = c.n and s.state = 'pending' then :now else s.enqueued_at end,
  state = case when s.waits = c.n and s.state = 'pending' and not exists (
      select 1 from tasker.dependencies e join tasker.steps p on p.task_id = e.task_id and p.no = e.parent
      where e.task_id = s.task_id and e.child = s.no and p.state not in ('complete', 'resolved_manually')
        and not (p.state = 'error' and p.stamp = :tx))
    then 'enqueued' else s.state end
from c where s.task_id = c.task and s.no = c.child

-- name: cut_set_aside
-- An instance that was set aside is nobody's parent any more, whatever becomes of it.
delete from tasker.dependencies where (task_id, parent) in (
  select s.task_id, s.no
  from (select * from jsonb_to_recordset(:aside::jsonb) as j(task bigint, step integer, held bigint)) as b --pg
  from (select value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:aside)) as b --lite
  join tasker.steps s on s.task_id = b.task and s.no = b.step
    and case when s.stamp = :tx and s.fence = b.held and s.state = 'error' then true else false end)

-- name: resume_batch
-- An operator has an instance run again: it takes a place, one more than there are if need be, and the batch goes on.
update tasker.batches set free = free - 1, halted = 0, stamp = :tx where task_id = :task and no = :worker_step

-- name: record_let_go
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason, verb)
select s.task_id, s.no, :tx, s.state, 'enqueued', :now, :actor, :reason, :verb
from tasker.batches g join tasker.steps s on s.task_id = g.task_id
  and s.no >= g.no * 65536 and s.no < g.no * 65536 + g.next and s.state = 'pending' and s.waits = 1
where g.task_id = :task and g.no = :worker_step

-- name: let_go
-- Those that had been let in and were held back when the batch was halted.
update tasker.steps as s set state = 'enqueued', waits = 0, enqueued_at = :now, stamp = :tx
from tasker.batches g
where g.task_id = :task and g.no = :worker_step and s.task_id = g.task_id
  and s.no >= g.no * 65536 and s.no < g.no * 65536 + g.next and s.state = 'pending' and s.waits = 1

-- name: save_checkpoints
-- How far steps are that yielded: the next attempt, whoever makes it, goes on from here.
insert into tasker.step_payloads (task_id, no, checkpoint)
with r as (select * from jsonb_to_recordset(:checkpoints::jsonb) as j(task bigint, step integer, held bigint, checkpoint text)) --pg
with r as materialized (select value->>'task' as task, value->>'step' as step, value->>'held' as held, value->>'checkpoint' as checkpoint from json_each(:checkpoints)) --lite
select s.task_id, s.no, r.checkpoint
from r join tasker.steps s on s.task_id = r.task and s.no = r.step
  and case when s.stamp = :tx and s.fence = r.held then true else false end
where true
on conflict (task_id, no) do update set checkpoint = excluded.checkpoint

-- name: payloads_of_steps
-- What a step is to work on and how far it is, asked only of instances and of steps that were claimed before. A join
-- could be turned round by a planner that believes the table to be empty.
with b as (select * from jsonb_to_recordset(:steps::jsonb) as j(task bigint, step integer)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step from json_each(:steps)) --lite
select b.task, b.step,
  (select p.inputs from tasker.step_payloads p where p.task_id = b.task and p.no = b.step),
  (select p.checkpoint from tasker.step_payloads p where p.task_id = b.task and p.no = b.step)
from b

-- name: results_of_instances
-- Of all instances of a batch that are done, for the step that comes after it.
with b as (select * from jsonb_to_recordset(:batches::jsonb) as j(task bigint, worker_step integer)) --pg
with b as materialized (select value->>'task' as task, value->>'worker_step' as worker_step from json_each(:batches)) --lite
select s.task_id, s.no, s.name, a.result
from b join tasker.steps s on s.task_id = b.task and s.no >= b.worker_step * 65536 and s.no < (b.worker_step + 1) * 65536
    and s.state in ('complete', 'resolved_manually')
  join tasker.attempts a on a.task_id = s.task_id and a.no = s.no and a.fence = s.fence
    and a.state in ('complete', 'resolved_manually')
order by s.task_id, s.no

-- name: result_of_instance
select a.result
from tasker.steps s join tasker.attempts a on a.task_id = s.task_id and a.no = s.no and a.fence = s.fence
  and a.state in ('complete', 'resolved_manually')
where s.task_id = :task and s.no >= 65536 and s.name = :step and s.state in ('complete', 'resolved_manually')
