-- Limits and breakers. A claim of steps that one concerns first locks its row, then sees what runs and takes no more than
-- fits: nothing is counted up or down, what runs is counted where it runs, so that no ending, whoever brings it about, can
-- be forgotten. The order of locks is tasks, steps, gates by name, workers; whoever holds a gate waits for no step.

-- name: lock_gates
-- In a statement of its own, so that what follows sees what was committed before.
select g.name from tasker.gates g where g.name in (select value from jsonb_array_elements_text(:names::jsonb)) order by g.name for no key update --pg
select 1 where false --lite

-- name: adopt_running
-- What began before the limit stood, or began just as it came, runs under it. A row that another transaction holds is
-- passed over: who holds a gate doesn't wait for steps.
with a as materialized (
  select s.task_id as task, s.no as step from tasker.steps s
  where s.state = 'in_progress' and s.slot = '' and ltrim(s.lane, '/') = :lane
  for no key update of s skip locked --pg
)
update tasker.steps as s set slot = :prefix || coalesce((select k.key from tasker.step_keys k
  where k.task_id = s.task_id and k.no = case when s.no >= 65536 then s.no / 65536 else s.no end), '')
from a where s.task_id = a.task and s.no = a.step

-- fragment: runs_under
  (select count(*) from tasker.steps s where s.state = 'in_progress' and s.slot <> '' and s.slot >= g.low and s.slot < g.high)

-- fragment: standing
  (select cast(coalesce(sum(u.n), 0) as bigint) from tasker.gate_uses u where u.name = g.name and u.at > :now - g.period),
  (select count(*) from tasker.steps p where p.task_id = g.probe_task and p.no = g.probe_no and p.fence = g.probe_fence
    and p.state = 'in_progress'),
  g.period, g.per_key, g.since, g.by, g.failures
from tasker.gates g

-- name: gate_standings
-- Each gate, what runs under it where that is limited, how much of its rate is used, and whether the probe of its breaker runs.
select g.name, g.concurrency, g.rate, g.breaker, g.probe_at, case when g.concurrency is null then 0 else
-- use: runs_under
  end,
-- use: standing
where g.name in (select value from jsonb_array_elements_text(:names::jsonb)) --pg
where g.name in (select value from json_each(:names)) --lite

-- name: all_standings
-- The same of all there are, for people, and what runs under each.
select g.name, g.concurrency, g.rate, g.breaker, g.probe_at,
-- use: runs_under
  ,
-- use: standing

-- name: lanes_with_lines
-- Of which of these lanes steps stand aside.
select l.lane from tasker.gate_lines l
where l.lane in (select value from jsonb_array_elements_text(:lanes::jsonb)) --pg
where l.lane in (select value from json_each(:lanes)) --lite
group by l.lane

-- name: lane_waits
-- How many wait in each lane, counted as far as there is room.
with l as (select value as lane from jsonb_array_elements_text(:lanes::jsonb)) --pg
with l as materialized (select value as lane from json_each(:lanes)) --lite
select l.lane, (select count(*) from (select 1 from tasker.steps s
  where s.state = 'enqueued' and s.lane = l.lane limit :room) as counted)
from l

-- name: slots_of_lane
-- How many run of each key, as one JSON text.
select json_agg(json_build_array(r.slot, r.n)) --pg
select json_group_array(json_array(r.slot, r.n)) --lite
from (select s.slot as slot, count(*) as n from tasker.steps s
  where s.state = 'in_progress' and s.slot <> '' and s.slot >= :low and s.slot < :high group by s.slot) as r

-- name: front_of_lane
-- The first steps of a lane that is limited by keys, with their keys, as one JSON text.
with f as materialized (
  select s.task_id as task, s.no as step, s.rank as place from tasker.steps s
  where s.state = 'enqueued' and s.lane = :lane order by s.rank, s.no limit :window
  for no key update of s skip locked --pg
),
k as materialized (
  select f.task, f.step, f.place, coalesce((select k.key from tasker.step_keys k
    where k.task_id = f.task and k.no = case when f.step >= 65536 then f.step / 65536 else f.step end), '') as key
  from f)
select json_agg(json_build_array(k.task, k.step, k.place, k.key)) from k --pg
select json_group_array(json_array(k.task, k.step, k.place, k.key)) from k --lite

-- name: lines_of_lane
-- The keys of which steps stand aside, each with the rank of the first and how many there are, counted up to :room.
select json_agg(json_build_array(r.key, r.place, r.n)) --pg
select json_group_array(json_array(r.key, r.place, r.n)) --lite
from (select l.key as key,
    (select s.rank from tasker.steps s where s.state = 'enqueued' and s.lane = :prefix || l.key order by s.rank limit 1) as place,
    (select count(*) from (select 1 from tasker.steps s where s.state = 'enqueued' and s.lane = :prefix || l.key limit :room) as c) as n
  from tasker.gate_lines l where l.lane = :lane) as r

-- fragment: may_begin
    and exists (select 1 from tasker.workers w where w.id = :worker and w.state = 'live' and w.must_heed = :heeded)
    and not exists (select 1 from tasker.paused_namespaces p
      where p.namespace || '/' = substr(cast(:lane as text), 1, length(p.namespace) + 1)
      for key share --pg
    )
  order by s.rank, s.no

-- name: claim_gated
-- Of one lane, as `claim_lane`, no more than :most; each takes a slot. What stood aside stands in its handler's lane again.
with ready as materialized (
  select s.task_id as task, s.no as step from tasker.steps s
  where s.state = 'enqueued' and s.lane = :from_lane
-- use: may_begin
  limit (select case when :room - count(*) < :most then :room - count(*) else :most end
    from tasker.steps r where r.worker = :worker and r.stamp = :tx and r.state = 'in_progress')
  for no key update of s skip locked --pg
)
update tasker.steps as s set state = 'in_progress', worker = :worker, stamp = :tx, attempt = s.attempt + 1,
  fence = s.fence + 1, claimed_at = :now, lane = :lane, slot = :slot
from ready where s.task_id = ready.task and s.no = ready.step

-- name: claim_keyed
-- As `claim_lane`, of a lane that is limited by keys: of its first steps those whose keys have places. The others stay where they are.
-- What runs of a key is counted once, with its first step here. No join of keys: it would compare each with each.
with f as materialized (
  select s.task_id as task, s.no as step, s.rank as place from tasker.steps s
  where s.state = 'enqueued' and s.lane = :lane
-- use: may_begin
  limit (select :room - count(*) from tasker.steps r where r.worker = :worker and r.stamp = :tx and r.state = 'in_progress')
  for no key update of s skip locked --pg
),
k as materialized (
  select f.task, f.step, f.place, coalesce((select k.key from tasker.step_keys k
    where k.task_id = f.task and k.no = case when f.step >= 65536 then f.step / 65536 else f.step end), '') as key
  from f),
i as materialized (
  select k.task, k.step, k.key, row_number() over (partition by k.key order by k.place, k.step) as i from k),
r as materialized (
  select i.task, i.step, i.key, i.i, case when i.i = 1 then (select count(*) from tasker.steps s
    where s.state = 'in_progress' and s.slot <> '' and s.slot = :prefix || i.key) end as n from i),
o as materialized (
  select r.task, r.step, r.key, r.i + max(r.n) over (partition by r.key) as place from r)
update tasker.steps as s set state = 'in_progress', worker = :worker, stamp = :tx, attempt = s.attempt + 1,
  fence = s.fence + 1, claimed_at = :now, slot = :prefix || o.key
from o where s.task_id = o.task and s.no = o.step and (o.key = '' or o.place <= :per_key)

-- name: claim_chosen
-- Those of the front of a lane whose keys have slots; its rows are locked by this transaction.
with b as (select * from jsonb_to_recordset(:chosen::jsonb) as j(i integer, task bigint, step integer, slot text)) --pg
with b as materialized (select value->>'i' as i, value->>'task' as task, value->>'step' as step, value->>'slot' as slot from json_each(:chosen)) --lite
update tasker.steps as s set state = 'in_progress', worker = :worker, stamp = :tx, attempt = s.attempt + 1,
  fence = s.fence + 1, claimed_at = :now, slot = b.slot
from b where s.task_id = b.task and s.no = b.step and s.state = 'enqueued'
  and exists (select 1 from tasker.workers w where w.id = :worker and w.state = 'live' and w.must_heed = :heeded)
  and not exists (select 1 from tasker.paused_namespaces p
    where p.namespace || '/' = substr(s.lane, 1, length(p.namespace) + 1)
    for key share --pg
  )
  and b.i < (select :room - count(*) from tasker.steps r where r.worker = :worker and r.stamp = :tx and r.state = 'in_progress')

-- name: stand_aside
-- Those of which as many run as may: nobody walks past them any more to those behind.
with b as (select * from jsonb_to_recordset(:aside::jsonb) as j(task bigint, step integer, lane text)) --pg
with b as materialized (select value->>'task' as task, value->>'step' as step, value->>'lane' as lane from json_each(:aside)) --lite
update tasker.steps as s set lane = b.lane
from b where s.task_id = b.task and s.no = b.step and s.state = 'enqueued'

-- name: open_lines
insert into tasker.gate_lines (lane, key)
select :lane, b.key
from (select value as key from jsonb_array_elements_text(:keys::jsonb)) as b --pg
from (select value as key from json_each(:keys)) as b --lite
where true
on conflict do nothing

-- name: close_lines
-- Nothing of these keys stands aside any more.
delete from tasker.gate_lines
where lane = :lane
  and key in (select value from jsonb_array_elements_text(:keys::jsonb)) --pg
  and key in (select value from json_each(:keys)) --lite
  and not exists (select 1 from tasker.steps s where s.state = 'enqueued' and s.lane = :prefix || gate_lines.key) --pg
  and not exists (select 1 from tasker.steps s where s.state = 'enqueued' and s.lane = :prefix || tasker_gate_lines.key) --lite

-- name: use_rates
-- How many of those that this transaction let begin at :now count for each rate.
insert into tasker.gate_uses (name, at, n)
with b as (select * from jsonb_to_recordset(:rates::jsonb) as j(name text, low text, high text, at bigint)), --pg
with b as materialized (select value->>'name' as name, value->>'low' as low, value->>'high' as high, value->>'at' as at from json_each(:rates)), --lite
c as materialized (select s.slot, count(*) as n from tasker.steps s
  where s.worker = :worker and s.stamp = :tx and s.state = 'in_progress' and s.claimed_at = :now and s.slot <> ''
  group by s.slot)
select b.name, b.at, sum(c.n) from b join c on c.slot >= b.low and c.slot < b.high
where true
group by b.name, b.at
on conflict (name, at) do update set n = gate_uses.n + excluded.n --pg
on conflict (name, at) do update set n = tasker_gate_uses.n + excluded.n --lite

-- name: forget_uses
-- What no rate counts any more: older than twice its period.
delete from tasker.gate_uses
where at <= :now - 2 * coalesce((select g.period from tasker.gates g where g.name = gate_uses.name), 0) --pg
where at <= :now - 2 * coalesce((select g.period from tasker.gates g where g.name = tasker_gate_uses.name), 0) --lite

-- name: begin_probe
-- One step goes through a breaker that is open: it shows whether all may.
update tasker.gates as g set breaker = 'half_open', probe_task = s.task_id, probe_no = s.no, probe_fence = s.fence,
  version = g.version + 1, changed_at = :now
from tasker.steps s
where g.name = :lane and s.worker = :worker and s.stamp = :tx and s.state = 'in_progress' and s.lane = :lane

-- name: waiting_keys
-- Lanes of which something stands aside, with its rank.
select l.lane, min((select s.rank from tasker.steps s where s.state = 'enqueued' and s.lane = l.lane || :mark || l.key
  order by s.rank limit 1))
from tasker.gate_lines l
where not exists (select 1 from tasker.paused_namespaces p
    where p.namespace || '/' = substr(l.lane, 1, length(p.namespace) + 1))
  and l.lane in (select value from jsonb_array_elements_text(:lanes::jsonb)) --pg
  and l.lane in (select value from json_each(:lanes)) --lite
group by l.lane

-- name: lanes_ready
-- Every lane in which something is ready, found by leaping along the index.
with recursive lanes(lane) as (
  select min(s.lane) from tasker.steps s where s.state = 'enqueued'
  union all
  select (select min(s.lane) from tasker.steps s where s.state = 'enqueued' and s.lane > l.lane)
  from lanes l where l.lane is not null)
select l.lane from lanes l where l.lane is not null

-- name: known_lines
select l.lane, l.key from tasker.gate_lines l

-- name: step_forward
-- What stood aside and nobody calls up any more stands in its handler's lane again.
update tasker.steps set lane = :lane where state = 'enqueued' and lane = :aside

-- name: gates
select g.name, g.declared, g.word, g.concurrency, g.per_key, g.rate, g.period, g.failures, g.breaker, g.since,
  g.probe_at, g.by, g.changed_at, g.version, g.keyed
from tasker.gates g order by g.name

-- name: heeds_of
select w.id, w.must_heed from tasker.workers w
where w.id in (select value::bigint from jsonb_array_elements_text(:workers::jsonb)) --pg
where w.id in (select value from json_each(:workers)) --lite

-- name: set_gate
insert into tasker.gates (name, low, high, declared, word, concurrency, per_key, keyed, rate, period, failures, breaker, since,
  probe_at, probe_task, probe_no, probe_fence, by, changed_at, version)
values (:name, :low, :high, :declared, :word, :concurrency, :per_key, :keyed, :rate, :period, 0, 'closed', 0, 0, 0, 0, 0, '', :now, 1)
on conflict (name) do update set declared = excluded.declared, word = excluded.word, concurrency = excluded.concurrency,
  per_key = excluded.per_key, keyed = excluded.keyed, rate = excluded.rate, period = excluded.period, changed_at = excluded.changed_at,
  version = gates.version + 1 --pg
  version = tasker_gates.version + 1 --lite

-- name: have_heeded
-- Workers get nothing more before they have read the gates anew.
update tasker.workers set must_heed = must_heed + 1 where id in (
  select w.id from tasker.workers w where w.state in ('live', 'draining') order by w.id
  for no key update of w --pg
)

-- name: insert_keys
insert into tasker.step_keys (task_id, no, key)
with b as (select * from jsonb_to_recordset(:keys::jsonb) as j(id uuid, step integer, key text)) --pg
with b as materialized (select value->>'id' as id, value->>'step' as step, value->>'key' as key from json_each(:keys)) --lite
select t.id, b.step, b.key
from b join tasker.tasks t on t.uuid = b.id and case when t.stamp = :tx then true else false end
where true
on conflict do nothing

-- name: leave_lines
-- Those of a task that gets another context may have other keys from now on: they stand in their handlers' lanes again.
update tasker.steps set lane = substr(lane, 1, strpos(lane, :mark) - 1) where task_id = :task and strpos(lane, :mark) > 0 --pg
update tasker.steps set lane = substr(lane, 1, instr(lane, :mark) - 1) where task_id = :task and instr(lane, :mark) > 0 --lite

-- name: drop_keys
delete from tasker.step_keys where task_id = :task
