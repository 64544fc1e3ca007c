-- Dead letters: what a person should look at. They are few, whatever the history. A letter about a whole task has the
-- step number 0, and one whose step a restart has removed is a letter still.

-- name: snapshot_of_letter
select d.snapshot from tasker.dead_letters d where d.id = :id

-- fragment: letters
  d.id, t.uuid, t.namespace, t.name, t.state, d.no, s.name, d.reason, d.detail, d.status, d.created_at,
  d.resolved_at, d.resolved_by, d.notes, d.metadata, d.state, d.fingerprint, d.title, d.runs_at
from tasker.dead_letters d join tasker.tasks t on t.id = d.task_id
  left join tasker.steps s on s.task_id = d.task_id and s.no = d.no

-- fragment: asked_of_letters
-- A filter that isn't given is NULL; the casts tell PostgreSQL the type of an untyped NULL.
where (cast(:status as text) is null or d.status = :status)
  and (cast(:reason as text) is null or d.reason = :reason)
  and (cast(:fingerprint as text) is null or d.fingerprint = :fingerprint)
  and (cast(:namespace as text) is null or t.namespace = :namespace)

-- name: list_dead_letters
-- Newest first.
select
-- use: letters
-- use: asked_of_letters
order by d.created_at desc, d.id desc
limit :limit offset :offset

-- name: letters_of_reason
-- The pending ones of a reason, those that wait for longest: among letters of one reason the oldest are the most urgent.
select
-- use: letters
where d.status = 'pending' and d.reason = :reason
order by d.created_at, d.id
limit :limit

-- name: letters_alike
-- The pending ones of one fault, behind one of them, the oldest first.
select
-- use: letters
where d.fingerprint = :fingerprint and d.status = 'pending' and (d.created_at, d.id) > (:since, cast(:after as uuid)) --pg
where d.fingerprint = :fingerprint and d.status = 'pending' and (d.created_at, d.id) > (:since, :after) --lite
order by d.created_at, d.id
limit :limit

-- name: dead_letters_of_task
select
-- use: letters
where t.uuid = :task
order by d.created_at desc, d.id desc

-- name: dead_letter_by_id
select
-- use: letters
where d.id = :id

-- name: group_dead_letters
-- One fault, many tasks: those of a fingerprint together, the largest group first.
with g as materialized (
  select d.fingerprint, count(*) as letters, min(d.created_at) as first, max(d.created_at) as last, min(d.id) as example --lite
  select d.fingerprint, count(*) as letters, min(d.created_at) as first, max(d.created_at) as last, min(cast(d.id as text)) as example --pg
  from tasker.dead_letters d join tasker.tasks t on t.id = d.task_id
-- use: asked_of_letters
  group by d.fingerprint)
select g.fingerprint, d.title, d.reason, t.namespace, t.name, d.no, s.name, g.letters, g.first, g.last, d.id, d.detail
from g join tasker.dead_letters d on d.id = g.example --lite
from g join tasker.dead_letters d on d.id = cast(g.example as uuid) --pg
  join tasker.tasks t on t.id = d.task_id
  left join tasker.steps s on s.task_id = d.task_id and s.no = d.no
order by g.letters desc, g.last desc, g.fingerprint
limit :limit

-- name: count_alike
-- How many of one fault are pending.
select count(case when d.status = 'pending' then 1 end)
from tasker.dead_letters d where d.fingerprint = :fingerprint

-- name: update_dead_letter
-- What isn't given stays as it is; a letter that is pending again has no resolution, and its task no other pending one.
update tasker.dead_letters set
  status = coalesce(cast(:status as text), status),
  notes = coalesce(cast(:notes as text), notes),
  resolved_by = coalesce(cast(:resolved_by as text), resolved_by),
  metadata = coalesce(cast(:metadata as text), metadata),
  resolved_at = case when coalesce(cast(:status as text), status) = 'pending' then 0
    when cast(:status as text) is null or status = cast(:status as text) then resolved_at else cast(:now as bigint) end
where id = :id
  and (coalesce(cast(:status as text), status) <> 'pending' or status = 'pending' or task_id not in (
    select o.task_id from tasker.dead_letters o where o.status = 'pending'))
returning id

-- name: status_of_letter
select d.status, d.task_id from tasker.dead_letters d where d.id = :id

-- name: lock_fault
-- Whoever gives letters of one fault their times does it one after the other: the first of them stands for all.
select d.id from tasker.dead_letters d
where d.fingerprint = (select l.fingerprint from tasker.dead_letters l where l.id = :id)
order by d.created_at, d.id limit 1
for no key update of d --pg

-- name: last_planned
-- The latest time that one of the same fault was given.
select coalesce(max(d.runs_at), 0) from tasker.dead_letters d
where d.fingerprint = (select l.fingerprint from tasker.dead_letters l where l.id = :id)

-- name: settle_letter
-- What a pending letter stands for runs again: that resolves it.
update tasker.dead_letters set status = 'manually_resolved', resolved_at = :now, resolved_by = :actor, notes = :notes,
  runs_at = :runs_at
where id = :id and status = 'pending'
returning created_at

-- name: count_dead_letters
-- By reason and status; how long the resolved ones took is a sum, so that parts can be added up.
select d.reason, d.status, count(*), min(d.created_at), max(d.created_at),
  sum(case when d.resolved_at > 0 then d.resolved_at - d.created_at else 0 end)
from tasker.dead_letters d
group by d.reason, d.status
order by d.reason, d.status
