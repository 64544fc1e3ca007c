-- What the benchmarks ask of the rows' own times.

-- name: bench_span_created
select max(t.completed_at) - min(t.created_at) from tasker.tasks t

-- name: bench_span_claimed
select (select max(t.completed_at) from tasker.tasks t) - (select min(a.claimed_at) from tasker.attempts a)
