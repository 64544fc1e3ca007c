-- An operator's word puts a failed step back to work. These statements run under the lock of its task (lock_tasks).

-- name: reset_step
-- A failed step has run, so its parents are done and it goes straight into the queue; the `waits` of its children have
-- counted it as unfinished all along. The fence stays: late reports of earlier attempts find no lease that is theirs.
update tasker.steps as s set state = 'enqueued', attempt = 0, crashes = 0, run_at = :now, enqueued_at = :now, stamp = :tx
where s.task_id = :task and s.name = :step and s.state = 'error'
  and exists (select 1 from tasker.tasks t where t.id = :task
    and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually'))
returning lane, rank, no

-- name: record_reset
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason)
select s.task_id, s.no, s.stamp, 'error', s.state, :now, :actor, :reason
from tasker.steps s where s.task_id = :task and s.name = :step and case when s.stamp = :tx then true else false end

-- name: raise_epoch
-- What a process remembers of this task is good for one epoch only. Failed steps rise along, so that all steps that may
-- still be claimed stay at the same one.
update tasker.steps set epoch = epoch + 1
where task_id = :task and state not in ('complete', 'cancelled', 'resolved_manually')
