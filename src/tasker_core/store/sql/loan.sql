-- Where a step's end is committed together with what its handler wrote.

-- name: transaction_mark
-- Which transaction this is, so that one which the handler ended by itself is known; and its isolation: under any other
-- than this one, what was committed before the task's lock isn't seen behind it. SQLite's savepoint marks its transaction.
select cast(pg_current_xact_id() as text), current_setting('transaction_isolation') --pg
select '', 'read committed' --lite
