-- Breakers: what the ends of attempts mean for the breaker of their handler. Written under the lock of its gate, behind
-- the statements that settle; only attempts that this transaction ended count (`held` is the fence of their leases).

-- name: forgive_failures
-- A step of these handlers came to a good end: whatever failed before it wasn't in a row with what fails next.
update tasker.gates set failures = 0, version = version + 1
where breaker = 'closed' and failures > 0
  and name in (select value from jsonb_array_elements_text(:names::jsonb)) --pg
  and name in (select value from json_each(:names)) --lite

-- name: add_failures
insert into tasker.gates (name, low, high, declared, word, concurrency, per_key, keyed, rate, period, failures, breaker, since,
  probe_at, probe_task, probe_no, probe_fence, by, changed_at, version)
with b as (select * from jsonb_to_recordset(:failed::jsonb) as j(name text, low text, high text, task bigint, step integer, held bigint)) --pg
with b as materialized (select value->>'name' as name, value->>'low' as low, value->>'high' as high, value->>'task' as task, value->>'step' as step, value->>'held' as held from json_each(:failed)) --lite
select b.name, b.low, b.high, '{}', '', null, null, 0, null, null, count(*), 'closed', 0, 0, 0, 0, 0, '', 0, 1
from b join tasker.steps s on s.task_id = b.task and s.no = b.step
  and case when s.stamp = :tx and s.fence = b.held then true else false end
group by b.name, b.low, b.high order by b.name
on conflict (name) do update set failures = gates.failures + excluded.failures, version = gates.version + 1 --pg
on conflict (name) do update set failures = tasker_gates.failures + excluded.failures, version = tasker_gates.version + 1 --lite

-- name: open_breakers
update tasker.gates set breaker = 'open', since = :now, probe_at = :until, by = '', changed_at = :now, version = version + 1
where breaker = 'closed' and failures >= :threshold
  and name in (select value from jsonb_array_elements_text(:names::jsonb)) --pg
  and name in (select value from json_each(:names)) --lite

-- name: judge_probes
-- The step that a breaker let through to see how it ends: all may follow, or none may for another while.
with b as (select * from jsonb_to_recordset(:probes::jsonb) as j(name text, task bigint, step integer, held bigint, good integer)) --pg
with b as materialized (select value->>'name' as name, value->>'task' as task, value->>'step' as step, value->>'held' as held, value->>'good' as good from json_each(:probes)) --lite
update tasker.gates as g set breaker = case when b.good = 1 then 'closed' else 'open' end,
  failures = case when b.good = 1 then 0 else g.failures + 1 end,
  since = case when b.good = 1 then :now else g.since end, probe_at = :until, changed_at = :now, version = g.version + 1
from b join tasker.steps s on s.task_id = b.task and s.no = b.step
  and case when s.stamp = :tx and s.fence = b.held then true else false end
where g.name = b.name and g.breaker = 'half_open' and g.probe_task = b.task and g.probe_no = b.step and g.probe_fence = b.held

-- name: heed_breakers
-- Workers that don't know yet that one opened get nothing before they do.
update tasker.workers set must_heed = must_heed + 1 where id in (
  select w.id from tasker.workers w where w.state in ('live', 'draining')
    and exists (select 1 from tasker.gates g where g.breaker = 'open' and g.since = :now
      and g.name in (select value from jsonb_array_elements_text(:names::jsonb))) --pg
      and g.name in (select value from json_each(:names))) --lite
  order by w.id
  for no key update of w --pg
)

-- name: set_breaker
-- An operator's word. One that is opened stays open until another word.
insert into tasker.gates (name, low, high, declared, word, concurrency, per_key, keyed, rate, period, failures, breaker, since,
  probe_at, probe_task, probe_no, probe_fence, by, changed_at, version)
values (:name, :low, :high, '{}', '', null, null, 0, null, null, 0, :breaker, :now, :until, 0, 0, 0, :actor, :now, 1)
on conflict (name) do update set breaker = excluded.breaker, failures = 0, since = excluded.since,
  probe_at = excluded.probe_at, by = excluded.by, changed_at = excluded.changed_at,
  version = gates.version + 1 --pg
  version = tasker_gates.version + 1 --lite

-- name: record_gate_word
insert into tasker.gate_words (name, stamp, at, actor, reason, said)
values (:name, :tx, :now, :actor, :reason, :said)
on conflict do nothing

-- name: gate_word_said
-- Was this very word said before? Then its answer was lost, and it has been done.
select count(*) from tasker.gate_words w where w.name = :name and w.stamp = :tx

-- name: gate_words
select w.name, w.at, w.actor, w.reason, w.said from tasker.gate_words w order by w.at desc, w.stamp desc limit :limit
