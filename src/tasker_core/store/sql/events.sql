-- The outbox of domain events. What the settling transaction writes has no place in the order of events yet: identities
-- are given before a commit, and a reader who goes by them passes over what commits later. So readers give the numbers,
-- one at a time, to what is committed. Two events of one task are never in flight at once (each settlement holds the
-- task's row), and the later one has the higher identity: in the order of identities, an earlier event of a task is
-- numbered before a later one.

-- name: insert_events
-- Only of attempts that this transaction ended: there is an event if and only if there is the transition.
insert into tasker.events (number, uuid, task_id, no, fence, position, namespace, step, name, mode, publisher, at, payload, metadata)
with b as (select * from jsonb_to_recordset(:events::jsonb) as j(place integer, id uuid, task bigint, of_step integer, held bigint, of_event integer, in_namespace text, called text, event text, how text, by_whom text, fired bigint, content text, more text)) --pg
with b as materialized (select value->>'place' as place, value->>'id' as id, value->>'task' as task, value->>'of_step' as of_step, value->>'held' as held, value->>'of_event' as of_event, value->>'in_namespace' as in_namespace, value->>'called' as called, value->>'event' as event, value->>'how' as how, value->>'by_whom' as by_whom, value->>'fired' as fired, value->>'content' as content, value->>'more' as more from json_each(:events)) --lite
select 0, b.id, s.task_id, s.no, s.fence, b.of_event, b.in_namespace, b.called, b.event, b.how, b.by_whom, b.fired, b.content, b.more
from b join tasker.steps s on s.task_id = b.task and s.no = b.of_step
  and case when s.stamp = :tx and s.fence = b.held then true else false end
where true
order by b.place

-- name: any_unnumbered_event
select e.id from tasker.events e where e.number = 0 limit 1

-- name: lock_event_order
-- In a statement of its own, so that the next one sees the numbers that were given before.
select o.last from tasker.event_order o where o.id = 1
  for update --pg

-- name: number_events
with n as materialized (
  select w.id as event, row_number() over (order by w.id) as place
  from (select e.id from tasker.events e where e.number = 0 order by e.id limit :most) w)
update tasker.events as e set number = (select o.last from tasker.event_order o where o.id = 1) + n.place
from n where e.id = n.event

-- name: advance_event_order
update tasker.event_order set last = coalesce(
  (select e.number from tasker.events e where e.number > 0 and e.number > tasker.event_order.last order by e.number desc limit 1),
  last)
where id = 1

-- name: last_event
select o.last from tasker.event_order o where o.id = 1

-- fragment: events
  e.number, e.uuid, e.task_id, t.uuid, e.no, e.fence, e.namespace, e.step, e.name, e.mode, e.publisher, e.at,
  e.payload, e.metadata, t.template_id, t.name, t.version, p.context, p.correlation_id, a.attempt, a.state, a.claimed_at, a.ended_at,
  a.result, a.error, w.inputs, w.checkpoint
from tasker.events e
  join tasker.tasks t on t.id = e.task_id
  join tasker.task_payloads p on p.task_id = e.task_id
  join tasker.attempts a on a.task_id = e.task_id and a.no = e.no and a.fence = e.fence
  left join tasker.step_payloads w on w.task_id = e.task_id and w.no = e.no
where (cast(:namespace as text) is null or e.namespace = :namespace)
  and (cast(:task as bigint) is null or e.task_id = :task)
  and (cast(:pattern as text) is null or e.name like :pattern escape '\')

-- name: events_after
-- Numbers up to :until, so that a filter that matches few can't have one statement walk through all of them.
select
-- use: events
  and e.number > 0 and e.number > :after and e.number <= :until
order by e.number limit :most

-- name: events_before
select
-- use: events
  and e.number > 0 and e.number < :before and e.number >= :since
order by e.number desc limit :most

-- name: events_of_task
-- A task has few events among all: found by its number, and sorted.
select
-- use: events
  and e.task_id = :task and e.number > :after
order by e.number + 0 limit :most

-- name: events_of_task_before
select
-- use: events
  and e.task_id = :task and e.number > 0 and e.number < :before
order by e.number + 0 desc limit :most
