-- Pauses. That of a task is written on its steps, under its lock: their lanes begin with a slash, which no lane does that a
-- worker serves, so that no claim is offered them and none has to look anywhere else. Whatever becomes of such a step, it
-- stays held. That of a namespace is a row that claims of its lanes find.

-- name: hold_steps
-- Those that may still run, also one in progress: it may come back.
update tasker.steps set lane = '/' || lane
where task_id = :task and state not in ('complete', 'resolved_manually') and lane not like '/%'

-- name: let_steps_go
update tasker.steps set lane = ltrim(lane, '/') where task_id = :task and lane like '/%'

-- name: pause_task
insert into tasker.paused_tasks (task_id, at, actor, reason) values (:task, :now, :actor, :reason)

-- name: resume_task
delete from tasker.paused_tasks where task_id = :task

-- name: bound_patience
-- Who waits for that lock holds up all claims: rather not for longer than this, should a process be suspended amid one.
select set_config('lock_timeout', '1000', true) --pg
select 1 where false --lite

-- name: lock_pauses
-- Whoever claims holds this table's lock until it commits: this waits for those, and who comes later waits for this.
lock table tasker.paused_namespaces in exclusive mode --pg
select 1 where false --lite

-- name: pause_namespace
insert into tasker.paused_namespaces (namespace, at, actor, reason) values (:namespace, :now, :actor, :reason)

-- name: resume_namespace
delete from tasker.paused_namespaces where namespace = :namespace

-- name: paused_namespaces
select p.namespace, p.at, p.actor, p.reason from tasker.paused_namespaces p order by p.namespace

-- name: record_namespace_word
insert into tasker.namespace_words (namespace, stamp, verb, at, actor, reason)
values (:namespace, :tx, :verb, :now, :actor, :reason)

-- name: namespace_word
select w.verb from tasker.namespace_words w where w.namespace = :namespace and w.stamp = :tx

-- name: namespace_words
select w.verb, w.at, w.actor, w.reason from tasker.namespace_words w where w.namespace = :namespace
order by w.at desc, w.stamp desc limit :limit

-- name: namespaces
-- Those of the registered templates, with how many of these new tasks get.
select t.namespace, sum(t.current) from tasker.templates t group by t.namespace order by t.namespace
