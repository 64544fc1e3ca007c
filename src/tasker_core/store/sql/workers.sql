-- Workers, their heartbeats, and what is left behind when one is gone.

-- name: insert_worker
-- Of several registrations of one instance the first counts: the others were repeated for the lost answer.
insert into tasker.workers (uuid, name, host, boot, pid, process_started, version, slots, lanes, state, started_at, beat_at, instance, owner, offer)
values (:uuid, :name, :host, :boot, :pid, :process_started, :version, :slots, :lanes, 'live', :now, :now, :instance, :owner, :offer)
on conflict do nothing
returning id

-- name: remote_worker
-- A live worker that speaks through servers, by its UUID or by what it calls itself.
select id, uuid, state, owner, offer from tasker.workers
where state in ('live', 'draining') and instance is not null and (uuid = :uuid or instance = :instance)

-- name: offer_of_worker
update tasker.workers set offer = :offer, slots = :slots where id = :worker

-- name: keep_secret
insert into tasker.secrets (name, value) values (:name, :value) on conflict (name) do nothing

-- name: secret
select value from tasker.secrets where name = :name

-- name: serve_lanes
update tasker.workers set lanes = :lanes where id = :worker

-- name: beat
-- A swept worker isn't revived: it must register again under a new id.
update tasker.workers set beat_at = :now where id = :worker and state in ('live', 'draining') returning state

-- name: drain_worker
update tasker.workers set state = 'draining' where id = :worker and state = 'live'

-- name: have_worker_drain
-- An operator's word: from the commit on it claims nothing, and its next beat tells it so.
update tasker.workers set state = 'draining', drained_by = :actor, drained_for = :reason
where uuid = :worker and state = 'live'
returning id

-- name: end_worker
update tasker.workers set state = 'gone' where id = :worker

-- name: live_workers
select id, uuid, name, host, boot, pid, process_started, version, slots, lanes, state, started_at, beat_at, drained_by, drained_for
from tasker.workers where state in ('live', 'draining') order by started_at

-- name: held_by_workers
select s.worker, count(*), min(s.claimed_at) from tasker.steps s where s.state = 'in_progress' group by s.worker

-- name: expire_workers
update tasker.workers set state = 'gone'
where state in ('live', 'draining') and (beat_at < :oldest
  or id in (select value::bigint from jsonb_array_elements_text(:dead::jsonb))) --pg
  or id in (select value from json_each(:dead))) --lite
returning id

-- name: workers_by_id
select id, uuid, name from tasker.workers
where id in (select value::bigint from jsonb_array_elements_text(:workers::jsonb)) --pg
where id in (select value from json_each(:workers)) --lite

-- name: abandoned_steps
-- Steps in progress whose worker isn't alive, asked afresh each time: nothing has to be remembered for it.
-- Ordered by the bare key, SQLite would walk the primary key, which is as long as the history, instead of sorting few.
select s.task_id, s.no, s.fence, s.name, s.attempt, s.crashes, t.template_id, s.worker, s.lane, s.claimed_at, s.epoch
from tasker.steps s join tasker.tasks t on t.id = s.task_id
where s.state = 'in_progress'
  and not exists (select 1 from tasker.workers w where w.id = s.worker and w.state in ('live', 'draining'))
order by s.task_id + 0, s.no
limit 200

-- name: take_duty
-- One process at a time does a duty; its holder renews it, anyone may take it when it has lapsed or its holder (:dead)
-- is known to be dead.
insert into tasker.duties (name, holder, held_until) values (:name, :holder, :until)
on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
where duties.holder in (excluded.holder, :dead) or duties.held_until < :now --pg
where tasker_duties.holder in (excluded.holder, :dead) or tasker_duties.held_until < :now --lite
returning holder

-- name: duty_holder
select holder from tasker.duties where name = :name

-- name: drop_duty
delete from tasker.duties where name = :name and holder = :holder

-- name: database_now
-- On PostgreSQL the database's clock is the one that counts, for machines disagree about the time.
select (extract(epoch from clock_timestamp()) * 1000000)::bigint --pg
select null --lite

-- name: database_identity
-- Two connections that read the same are on the same database: no two servers start in the same microsecond, and a copy of
-- one has started later. A connection's own address wouldn't tell, since a pooler may stand between.
select (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint, oid::bigint from pg_database where datname = current_database() --pg
select file from pragma_database_list where name = 'main' --lite
