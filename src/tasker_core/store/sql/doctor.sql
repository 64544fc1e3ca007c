-- What a look at a whole store is made from. Each statement reads a partial index or a small table, so that history
-- costs it nothing; none of them locks or writes. Whatever could be long is counted up to :most.

-- name: has_schema
select to_regclass(:book) is not null --pg
select exists (select 1 from sqlite_master m where m.type = 'table' and m.name = :book) --lite

-- name: schema_version
select coalesce(max(v.version), 0) from tasker.schema_version v --pg
select coalesce(max(v.version), 0) from tasker.schema v --lite

-- name: doctor_database
-- What the database says of itself.
select current_setting('server_version'), pg_is_in_recovery(), current_setting('max_connections')::integer, --pg
  (select count(*) from pg_stat_activity a where a.datname is not null), --pg
  (select json_agg(g.name) from pg_settings g where g.setting = 'off' --pg
    and g.name in ('fsync', 'full_page_writes', 'synchronous_commit')) --pg
select sqlite_version(), j.journal_mode, n.page_count from pragma_journal_mode j, pragma_page_count n --lite

-- name: doctor_rights
-- The tables in which this role may not do all that Tasker does.
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace --pg
where n.nspname = :schema and c.relname in (select value from jsonb_array_elements_text(:tables::jsonb)) --pg
  and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert') --pg
    and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')) --pg
order by c.relname --pg
select cast(:schema as text) from json_each(:tables) where false --lite

-- name: doctor_oldest_transaction
-- Of those that this role may see: dead rows that it could still look at pile up in the queue.
select concat_ws(' ', a.usename, nullif(a.application_name, ''), 'process ' || a.pid), --pg
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000000)::bigint --pg
from pg_stat_activity a where a.xact_start is not null and a.datname is not null and a.pid <> pg_backend_pid() --pg
order by a.xact_start limit 1 --pg
select null where false --lite

-- name: doctor_workers
-- The workers that are believed to live, and how many steps each holds.
select w.id, w.name, w.host, w.pid, w.state, w.beat_at, w.slots,
  (select count(*) from tasker.steps r where r.worker = w.id and r.state = 'in_progress'), w.lanes
from tasker.workers w where w.state in ('live', 'draining') order by w.name, w.id

-- name: doctor_queues
-- What waits in each lane. The lanes are found by skipping along the ready index from one to the next, and of each only
-- its head is counted: a backlog of a million steps is as quick as one of a thousand. Steps of paused tasks wait for
-- nobody.
with recursive l(lane) as (
  select (select s.lane from tasker.steps s where s.state = 'enqueued' order by s.lane limit 1)
  union all
  select (select s.lane from tasker.steps s where s.state = 'enqueued' and s.lane > l.lane order by s.lane limit 1)
  from l where l.lane is not null)
select l.lane,
  (select count(*) from (select 1 from tasker.steps s
    where s.state = 'enqueued' and s.lane = l.lane order by s.rank, s.no limit :most) as counted),
  (select min(h.enqueued_at) from (select s.enqueued_at from tasker.steps s
    where s.state = 'enqueued' and s.lane = l.lane order by s.rank, s.no limit :most) as h),
  (select t.uuid from tasker.tasks t where t.id = (select s.task_id from tasker.steps s
    where s.state = 'enqueued' and s.lane = l.lane order by s.rank, s.no limit 1))
from l where l.lane is not null and l.lane not like '/%' limit :lanes

-- name: doctor_lost
-- Steps in progress whose worker isn't there, by lane, and when the first of these workers was last heard of.
with f as materialized (
  select ltrim(s.lane, '/') as lane, s.task_id as task, coalesce(w.beat_at, s.claimed_at) as since
  from tasker.steps s left join tasker.workers w on w.id = s.worker
  where s.state = 'in_progress' and coalesce(w.state, 'gone') not in ('live', 'draining')),
g as materialized (select f.lane, count(*) as n, min(f.since) as since, min(f.task) as task from f group by f.lane)
select g.lane, g.n, g.since, t.uuid from g join tasker.tasks t on t.id = g.task order by g.lane

-- name: doctor_overdue
-- Retries that should be in the queue.
with f as materialized (select s.run_at, s.task_id as task from tasker.steps s
  where s.state = 'waiting_for_retry' and s.run_at < :before order by s.run_at limit :most),
g as materialized (select count(*) as n, min(f.run_at) as since, min(f.task) as task from f)
select g.n, g.since, t.uuid from g join tasker.tasks t on t.id = g.task

-- name: doctor_failed
-- Tasks that are blocked, found by their failed steps: an index over the tasks' states would make each settled task
-- dearer. Those of tasks that were given up stay failed until they are pruned; of all these the newest are looked at.
with f as materialized (select s.task_id as task, ltrim(s.lane, '/') as lane from tasker.steps s
  where s.state = 'error' order by s.task_id desc limit :most)
select t.uuid, t.updated_at, f.lane from f join tasker.tasks t on t.id = f.task
where t.state = 'blocked_by_failures' order by t.updated_at

-- name: doctor_dead_letters
-- Those that somebody has to look at; a task that was mended meanwhile needs nobody.
with f as materialized (select d.created_at, d.task_id as task from tasker.dead_letters d
  where d.status = 'pending' and (select k.state from tasker.tasks k where k.id = d.task_id)
    not in ('complete', 'cancelled', 'resolved_manually')),
g as materialized (select count(*) as n, min(f.created_at) as since, min(f.task) as task from f)
select g.n, g.since, t.uuid from g join tasker.tasks t on t.id = g.task

-- name: doctor_paused_tasks
with f as materialized (select p.at, p.task_id as task from tasker.paused_tasks p
  where (select k.state from tasker.tasks k where k.id = p.task_id)
    not in ('complete', 'error', 'cancelled', 'resolved_manually') limit :most),
g as materialized (select count(*) as n, min(f.at) as since, min(f.task) as task from f)
select g.n, g.since, t.uuid from g join tasker.tasks t on t.id = g.task

-- name: doctor_duty
select d.holder, d.held_until from tasker.duties d where d.name = :name

-- name: doctor_unfinished
-- The next unfinished tasks in the order of their numbers: the one look that a long history makes longer, since no index
-- leads to them. Asked only where somebody wants to look deep.
select t.id, t.uuid, t.state from tasker.tasks t
where t.id > :after and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually') order by t.id limit :page

-- name: doctor_damage
-- What is damaged in the file; PostgreSQL tells that of itself when it meets it.
select null where false --pg
select q.quick_check from pragma_quick_check q where q.quick_check <> 'ok' limit 3 --lite
