-- Reading tasks and their steps, and the verbs of people.

-- name: task_by_uuid
select t.id, t.uuid, t.template_id, t.namespace, t.name, t.version, t.state, t.priority, t.total_steps, t.created_at,
  t.updated_at, t.completed_at, p.context, p.initiator, p.source_system, p.reason, p.tags, p.correlation_id,
  p.parent_correlation_id, p.idempotency_key, p.requested_at, t.undo,
-- use: pause_of_task
from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
-- use: looked_up_pauses
where t.uuid = :task

-- fragment: pause_of_task
-- What holds a task: its own pause, else that of its namespace.
  coalesce(h.at, n.at), coalesce(h.actor, n.actor), coalesce(h.reason, n.reason), case when h.at is null then 1 else 0 end

-- fragment: looked_up_pauses
  left join tasker.paused_tasks h on h.task_id = t.id
  left join tasker.paused_namespaces n on n.namespace = t.namespace

-- fragment: asked_of_tasks
-- A filter that isn't given is NULL; the casts tell PostgreSQL the type of an untyped NULL.
  and (cast(:namespace as text) is null or t.namespace = :namespace)
  and (cast(:name as text) is null or t.name = :name)
  and (cast(:version as text) is null or t.version = :version)
  and (cast(:state as text) is null or t.state = :state)
  and (cast(:created_after as bigint) is null or t.created_at >= :created_after)
  and (cast(:created_before as bigint) is null or t.created_at < :created_before)
  and (cast(:updated_after as bigint) is null or t.updated_at >= :updated_after)
  and (cast(:updated_before as bigint) is null or t.updated_at < :updated_before)

-- fragment: asked_of_payloads
-- A tag is compared as the JSON text it was stored as: PostgreSQL can't decode every JSON text. For the same reason a
-- context is only looked through for texts that one which matches has in it; what it says is compared in Python.
  and (cast(:initiator as text) is null or p.initiator = :initiator)
  and (cast(:source_system as text) is null or p.source_system = :source_system)
  and (cast(:parent_correlation_id as text) is null or p.parent_correlation_id = :parent_correlation_id)
  and (cast(:tag as text) is null or exists (
    select 1 from json_array_elements(p.tags::json) as tag where tag::text = :tag)) --pg
    select 1 from json_each(p.tags) as tag where tag.value = json_extract(:tag, '$'))) --lite
  and (cast(:needles as text) is null or not exists (
    select 1 from jsonb_array_elements_text(:needles::jsonb) as n where strpos(p.context, n) = 0)) --pg
    select 1 from json_each(:needles) as n where instr(p.context, n.value) = 0)) --lite
  and (cast(:error as text) is null or exists (
    select 1 from tasker.steps s join tasker.attempts a on a.task_id = s.task_id and a.no = s.no and a.fence = s.fence
    where s.task_id = t.id and s.state = 'error'
      and strpos(a.error, :error) > 0)) --pg
      and instr(a.error, :error) > 0)) --lite

-- fragment: apt_for_an_act
-- Of which tasks an operator's act can be said, as the rules decide of each of them once it is held still; and those of
-- which this very word (:stamp) was said before.
  and (cast(:act as text) is null
    or (:act in ('cancel', 'pause', 'resume', 'give_up')
      and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually')
      and (:act not in ('pause', 'resume')
        or (:act = 'resume') = exists (select 1 from tasker.paused_tasks k where k.task_id = t.id))
      and (:act <> 'give_up' or exists (select 1 from tasker.steps e where e.task_id = t.id and e.state = 'error')))
    or (:act in ('retry', 'resolve') and t.state not in ('complete', 'cancelled', 'resolved_manually')
      and (:act <> 'retry' or exists (select 1 from tasker.steps e where e.task_id = t.id and e.state = 'error')))
    or (:act = 'restart' and t.undo = 0 and exists (select 1 from tasker.steps e
      where e.task_id = t.id and e.name = cast(:from_step as text)
        and (t.state in ('complete', 'error', 'cancelled', 'resolved_manually') or e.attempt > 0
          or e.state not in ('pending', 'enqueued'))
        and not exists (select 1 from tasker.dependencies d join tasker.steps q on q.task_id = d.task_id and q.no = d.parent
          where d.task_id = e.task_id and d.child = e.no and q.state not in ('complete', 'resolved_manually'))))
    or exists (select 1 from tasker.transitions x where x.task_id = t.id and x.stamp = cast(:stamp as bigint)))

-- name: list_tasks
-- Newest first, which the numbers tell without a sort.
select t.id, t.uuid, t.template_id, t.namespace, t.name, t.version, t.state, t.priority, t.total_steps, t.created_at,
  t.updated_at, t.completed_at, p.context, p.initiator, p.source_system, p.reason, p.tags, p.correlation_id,
  p.parent_correlation_id, p.idempotency_key, p.requested_at, t.undo,
-- use: pause_of_task
from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
-- use: looked_up_pauses
where t.id > :newer_than and t.id < :older_than
-- use: asked_of_tasks
-- use: asked_of_payloads
-- use: apt_for_an_act
order by t.id desc
limit :limit offset :offset

-- name: list_tasks_of_correlation
-- The same of those that belong together, which an index finds.
select t.id, t.uuid, t.template_id, t.namespace, t.name, t.version, t.state, t.priority, t.total_steps, t.created_at,
  t.updated_at, t.completed_at, p.context, p.initiator, p.source_system, p.reason, p.tags, p.correlation_id,
  p.parent_correlation_id, p.idempotency_key, p.requested_at, t.undo,
-- use: pause_of_task
from tasker.task_payloads p join tasker.tasks t on t.id = p.task_id
-- use: looked_up_pauses
where p.correlation_id = :correlation_id
  and t.id > :newer_than and t.id < :older_than
-- use: asked_of_tasks
-- use: asked_of_payloads
-- use: apt_for_an_act
order by t.id desc
limit :limit offset :offset

-- name: list_unfinished_tasks
-- The same of a state in which something of each task waits, runs or has failed: partial indexes find those, beside any
-- history.
with u as materialized (
  select s.task_id as task from tasker.steps s where s.state = 'error' and cast(:state as text) = 'blocked_by_failures'
  union
  select s.task_id from tasker.steps s where s.state = 'waiting_for_retry' and cast(:state as text) = 'waiting_for_retry'
  union
  select s.task_id from tasker.steps s where s.state = 'enqueued' and cast(:state as text) = 'steps_in_process'
  union
  select s.task_id from tasker.steps s where s.state = 'in_progress' and cast(:state as text) = 'steps_in_process')
select t.id, t.uuid, t.template_id, t.namespace, t.name, t.version, t.state, t.priority, t.total_steps, t.created_at,
  t.updated_at, t.completed_at, p.context, p.initiator, p.source_system, p.reason, p.tags, p.correlation_id,
  p.parent_correlation_id, p.idempotency_key, p.requested_at, t.undo,
-- use: pause_of_task
from u join tasker.tasks t on t.id = u.task join tasker.task_payloads p on p.task_id = t.id
-- use: looked_up_pauses
where t.id > :newer_than and t.id < :older_than
-- use: asked_of_tasks
-- use: asked_of_payloads
-- use: apt_for_an_act
order by t.id desc
limit :limit offset :offset

-- name: count_tasks
-- Those that list_tasks would give, page after page.
select count(*) from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
where true
-- use: asked_of_tasks
-- use: asked_of_payloads
-- use: apt_for_an_act

-- name: count_tasks_of_correlation
select count(*) from tasker.task_payloads p join tasker.tasks t on t.id = p.task_id
where p.correlation_id = :correlation_id
-- use: asked_of_tasks
-- use: asked_of_payloads
-- use: apt_for_an_act

-- name: count_tasks_by_state
-- The same where nothing is asked of the payloads, so that they needn't be read.
select count(*) from tasker.tasks t
where true
-- use: asked_of_tasks
-- use: apt_for_an_act

-- name: count_states_of_tasks
-- The tabs of a list: how many of each state the other filters leave.
select t.state, count(*) from tasker.tasks t
where true
-- use: asked_of_tasks
group by t.state

-- name: count_states_of_tasks_and_payloads
select t.state, count(*) from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id
where true
-- use: asked_of_tasks
-- use: asked_of_payloads
group by t.state

-- name: task_states
select t.id, t.state from tasker.tasks t
where t.id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where t.id in (select value from json_each(:tasks)) --lite

-- name: steps_of_tasks
select s.task_id, s.no, s.name, s.state, s.lane, s.run_at, s.waits, s.attempt, s.fence, s.crashes, s.worker,
  s.enqueued_at, s.claimed_at, s.ended_at
from tasker.steps s
where s.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where s.task_id in (select value from json_each(:tasks)) --lite
order by s.task_id, s.no

-- name: count_steps_of_tasks
-- How far tasks are, where many are listed: a row for each state instead of one for each step.
select s.task_id, s.state, count(*) from tasker.steps s
where s.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where s.task_id in (select value from json_each(:tasks)) --lite
group by s.task_id, s.state

-- name: names_of_steps
select s.no, s.name from tasker.steps s where s.task_id = :task
  and s.no in (select value::integer from jsonb_array_elements_text(:steps::jsonb)) --pg
  and s.no in (select value from json_each(:steps)) --lite

-- name: states_of_steps
-- What the rules ask before a task grows, under its lock.
select s.no, s.state from tasker.steps s where s.task_id = :task

-- name: dependencies_of_tasks
select e.task_id, e.parent, e.child from tasker.dependencies e
where e.task_id in (select value::bigint from jsonb_array_elements_text(:tasks::jsonb)) --pg
where e.task_id in (select value from json_each(:tasks)) --lite
order by e.task_id, e.child, e.parent

-- name: attempts_of_task
select a.no, a.fence, a.attempt, a.ending, a.state, a.worker, a.enqueued_at, a.claimed_at, a.ended_at,
  a.reason, a.result, a.error
from tasker.attempts a where a.task_id = :task order by a.no, a.fence

-- name: attempts_of_steps
select a.no, a.fence, a.attempt, a.ending, a.state, a.worker, a.enqueued_at, a.claimed_at, a.ended_at,
  a.reason, a.result, a.error
from tasker.attempts a where a.task_id = :task
  and a.no in (select value::integer from jsonb_array_elements_text(:steps::jsonb)) --pg
  and a.no in (select value from json_each(:steps)) --lite
order by a.no, a.fence

-- name: transitions_of_task
select t.no, t.from_state, t.to_state, t.at, t.actor, t.reason, t.verb
from tasker.transitions t where t.task_id = :task order by t.at, t.stamp, t.no

-- name: record_cancelled_steps
-- Before the steps change, so that each transition says from where; the lock keeps a claim from slipping in between.
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason, verb)
select s.task_id, s.no, :tx, s.state, 'cancelled', :now, :actor, :reason, 'cancel'
from tasker.steps s
where s.task_id = :task and s.state not in ('complete', 'error', 'cancelled', 'resolved_manually')
for no key update of s --pg

-- name: cancel_steps
update tasker.steps set state = 'cancelled', stamp = :tx, ended_at = :now
where task_id = :task and state not in ('complete', 'error', 'cancelled', 'resolved_manually')
returning no

-- name: cancel_task
update tasker.tasks set previous = state, state = 'cancelled', stamp = :tx, updated_at = :now, completed_at = :now
where id = :task and state not in ('complete', 'error', 'cancelled', 'resolved_manually')
  and not exists (select 1 from tasker.transitions r where r.task_id = :task and r.stamp = :tx)
returning id

-- name: trace_of_task
select p.traceparent from tasker.tasks t join tasker.task_payloads p on p.task_id = t.id where t.uuid = :task

-- name: task_at
select t.uuid, t.created_at from tasker.tasks t where t.id >= :id order by t.id limit 1

-- name: word_of_task
-- Whether this word was said of the task before.
select count(*) from tasker.transitions r where r.task_id = :task and r.stamp = :tx

-- name: record_task
insert into tasker.transitions (task_id, no, stamp, from_state, to_state, at, actor, reason, verb)
select t.id, 0, t.stamp, t.previous, t.state, :now, :actor, :reason, :verb
from tasker.tasks t where t.id = :task and case when t.stamp = :tx then true else false end
