-- The whole model, in the common dialect. Times are microseconds since the Unix epoch. A task and a worker have a UUID
-- for the world and a number, never used twice, for the rows that grow with steps: eight bytes in every key instead of
-- a UUID's sixteen (thirty-six as text). A lease is (task, step, fence): the fence rises with each claim and never falls.
-- Placeholders instead of NULL on the hot rows: a row that never changes its width stays on its page (PostgreSQL).

create table tasker.templates (
  id uuid not null primary key,
  namespace text not null,
  name text not null,
  version text not null,
  digest text not null,
  content text not null,
  registered_at bigint not null,
  current integer not null
);
create unique index templates_content on tasker.templates (namespace, name, version, digest);

create table tasker.template_steps (
  template_id uuid not null,
  no integer not null,
  name text not null,
  lane text not null,
  waits integer not null,
  primary key (template_id, no)
) --pg
) without rowid --lite
;

create table tasker.template_edges (
  template_id uuid not null,
  parent integer not null,
  child integer not null,
  primary key (template_id, parent, child)
) --pg
) without rowid --lite
;

create table tasker.tasks (
  id bigint generated always as identity primary key, --pg
  id integer primary key autoincrement, --lite
  uuid uuid not null,
  template_id uuid not null,
  namespace text not null,
  name text not null,
  version text not null,
  identity text not null,
  state text not null,
  previous text not null,
  priority integer not null,
  total_steps integer not null,
  troubled integer not null,
  stamp bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  completed_at bigint not null,
  undo integer not null default 0
) with (fillfactor = 50); --pg
); --lite
-- No index covers what changes in a task: on a half-filled page its next version stands beside it, and no index is
-- written (PostgreSQL, a quarter of the log). An index on completed_at would end that: pruning walks the ids instead.
create unique index tasks_uuid on tasker.tasks (uuid);
create unique index tasks_identity on tasker.tasks (identity);

create table tasker.task_payloads (
  task_id bigint not null primary key, --pg
  task_id integer primary key, --lite
  context text not null,
  initiator text not null,
  source_system text not null,
  reason text not null,
  tags text not null,
  correlation_id text not null,
  parent_correlation_id text,
  idempotency_key text,
  requested_at bigint not null,
  traceparent text
);
create index task_payloads_correlation on tasker.task_payloads (correlation_id);

-- What a task worked on before an operator gave it another context, by the stamp of that word.
create table tasker.former_contexts (
  task_id bigint not null,
  stamp bigint not null,
  context text not null,
  primary key (task_id, stamp)
) --pg
) without rowid --lite
;

create table tasker.steps (
  task_id bigint not null,
  no integer not null,
  name text not null,
  state text not null,
  lane text not null,
  rank bigint not null,
  run_at bigint not null,
  waits integer not null,
  attempt integer not null,
  fence integer not null,
  crashes integer not null,
  epoch integer not null,
  worker bigint not null,
  stamp bigint not null,
  enqueued_at bigint not null,
  claimed_at bigint not null,
  ended_at bigint not null,
  slot text collate "C" not null default '', --pg
  slot text not null default '', --lite
  primary key (task_id, no)
) with (fillfactor = 50); --pg
); --lite
create index steps_ready on tasker.steps (lane, rank, no) where state = 'enqueued';
create index steps_running on tasker.steps (worker, stamp) where state = 'in_progress';
create index steps_waiting on tasker.steps (run_at) where state = 'waiting_for_retry';
create index steps_failed on tasker.steps (task_id) where state = 'error';
-- What runs under a limit. A step that none concerns has no slot: nothing is written here for it.
create index steps_slots on tasker.steps (slot) where state = 'in_progress' and slot <> '';

create table tasker.dependencies (
  task_id bigint not null,
  parent integer not null,
  child integer not null,
  primary key (task_id, parent, child)
) --pg
) without rowid --lite
;
create index dependencies_child on tasker.dependencies (task_id, child, parent);

-- What instances of batches are to work on, and how far a step is that yielded. Most steps have no row here.
create table tasker.step_payloads (
  task_id bigint not null,
  no integer not null,
  inputs text,
  checkpoint text,
  primary key (task_id, no)
) --pg
) without rowid --lite
;

-- A row for each batch, under the number of its worker step: which of its instances may run.
create table tasker.batches (
  task_id bigint not null,
  no integer not null,
  analyzer integer not null,
  strategy text not null,
  parallelism integer not null,
  total integer not null,
  next integer not null,
  free integer not null,
  halted integer not null,
  stamp bigint not null,
  primary key (task_id, no)
) --pg
) without rowid --lite
;

create table tasker.attempts (
  task_id bigint not null,
  no integer not null,
  fence integer not null,
  stamp bigint not null,
  attempt integer not null,
  ending text not null,
  state text not null,
  worker bigint not null,
  enqueued_at bigint not null,
  claimed_at bigint not null,
  ended_at bigint not null,
  reason text not null,
  result text,
  error text,
  primary key (task_id, no, fence)
) --pg
) without rowid --lite
;

create table tasker.transitions (
  task_id bigint not null,
  no integer not null,
  stamp bigint not null,
  from_state text not null,
  to_state text not null,
  at bigint not null,
  actor text not null,
  reason text not null,
  verb text not null default '',
  primary key (task_id, no, stamp)
) --pg
) without rowid --lite
;

-- The tasks that are paused; on their steps it stands as well.
create table tasker.paused_tasks (
  task_id bigint not null primary key, --pg
  task_id integer primary key, --lite
  at bigint not null,
  actor text not null,
  reason text not null
);

-- The namespaces that are paused: every claim reads this, so nothing else stands here.
create table tasker.paused_namespaces (
  namespace text not null primary key,
  at bigint not null,
  actor text not null,
  reason text not null
);

-- What operators said of namespaces.
create table tasker.namespace_words (
  namespace text not null,
  stamp bigint not null,
  verb text not null,
  at bigint not null,
  actor text not null,
  reason text not null,
  primary key (namespace, stamp)
) --pg
) without rowid --lite
;

create table tasker.warnings (
  task_id bigint not null,
  no integer not null,
  fence integer not null,
  position integer not null,
  code text not null,
  path text not null,
  message text not null,
  at bigint not null,
  primary key (task_id, no, fence, position)
) --pg
) without rowid --lite
;

create table tasker.workers (
  id bigint generated always as identity primary key, --pg
  id integer primary key autoincrement, --lite
  uuid uuid not null,
  name text not null,
  host text not null,
  boot text not null,
  pid integer not null,
  process_started bigint not null,
  version text not null,
  slots integer not null,
  lanes text not null,
  state text not null,
  started_at bigint not null,
  beat_at bigint not null,
  must_heed bigint not null default 0,
  drained_by text not null default '',
  drained_for text not null default '',
  instance text,
  owner text not null default '',
  offer text not null default '{}'
);

create unique index workers_instance on tasker.workers (instance) where state in ('live', 'draining');

-- What the servers of this database know and nobody else.
create table tasker.secrets (
  name text not null primary key,
  value text not null
);

-- Number 0 stands for the whole task. `runs_at` is when what was requeued may run; a snapshot is what the task was like.
create table tasker.dead_letters (
  id uuid not null primary key,
  task_id bigint not null,
  no integer not null,
  reason text not null,
  detail text not null,
  status text not null,
  created_at bigint not null,
  resolved_at bigint not null default 0,
  resolved_by text not null default '',
  notes text not null default '',
  metadata text not null default '{}',
  state text not null default '',
  fingerprint text not null default '',
  title text not null default '',
  runs_at bigint not null default 0,
  snapshot text not null default '{}'
);
create index dead_letters_task on tasker.dead_letters (task_id);
create unique index dead_letters_open on tasker.dead_letters (task_id) where status = 'pending';
create index dead_letters_pending on tasker.dead_letters (reason, created_at) where status = 'pending';
create index dead_letters_alike on tasker.dead_letters (fingerprint, created_at);
create index dead_letters_planned on tasker.dead_letters (fingerprint, runs_at);
create index dead_letters_newest on tasker.dead_letters (created_at);

create table tasker.duties (
  name text not null primary key,
  holder text not null,
  held_until bigint not null
);

-- The outbox of domain events, written by the transaction that ended the attempt which they tell of. `number` is an event's
-- place in the order of all; readers give it after the commit, until then it is 0.
create table tasker.events (
  id bigint generated always as identity primary key, --pg
  id integer primary key autoincrement, --lite
  number bigint not null,
  uuid uuid not null,
  task_id bigint not null,
  no integer not null,
  fence integer not null,
  position integer not null,
  namespace text not null,
  step text not null,
  name text not null,
  mode text not null,
  publisher text not null,
  at bigint not null,
  payload text not null,
  metadata text not null
);
create unique index events_attempt on tasker.events (task_id, no, fence, position);
create unique index events_number on tasker.events (number) where number > 0;
create index events_unnumbered on tasker.events (id) where number = 0;

-- The last number given. Whoever gives numbers locks this row.
create table tasker.event_order (
  id integer not null primary key,
  last bigint not null
);
insert into tasker.event_order (id, last) values (1, 0);

-- Who is given durable events, and up to which number: subscribers in processes, and webhooks. One process at a time
-- delivers, the `holder`, until `held_until`.
create table tasker.subscriptions (
  id uuid not null primary key,
  kind text not null,
  name text not null,
  state text not null,
  patterns text not null,
  namespace text not null,
  url text not null,
  secret text not null,
  position bigint not null,
  delivered bigint not null,
  tries integer not null,
  failing_since bigint not null,
  next_at bigint not null,
  error text not null,
  holder text not null,
  held_until bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);
create unique index subscriptions_name on tasker.subscriptions (kind, name);

-- What became of each try to deliver an event to a webhook.
create table tasker.deliveries (
  id bigint generated always as identity primary key, --pg
  id integer primary key autoincrement, --lite
  subscription uuid not null,
  number bigint not null,
  event uuid not null,
  name text not null,
  try integer not null,
  at bigint not null,
  took bigint not null,
  status integer not null,
  error text not null
);
create index deliveries_subscription on tasker.deliveries (subscription, id);

-- What holds ready steps back: the limits and the breaker of a handler ("shop/charge") or a namespace ("shop"). The slots
-- of what runs under it lie between `low` and `high`. NULL is no limit. `declared` is what templates say, `word` what an
-- operator said. A claim of such steps holds the row's lock until it commits.
create table tasker.gates (
  name text not null primary key,
  low text collate "C" not null, --pg
  high text collate "C" not null, --pg
  low text not null, --lite
  high text not null, --lite
  declared text not null,
  word text not null,
  concurrency integer,
  per_key integer,
  keyed integer not null,
  rate integer,
  period bigint,
  failures integer not null,
  breaker text not null,
  since bigint not null,
  probe_at bigint not null,
  probe_task bigint not null,
  probe_no integer not null,
  probe_fence integer not null,
  by text not null,
  changed_at bigint not null,
  version bigint not null
);

-- What operators said of limits and breakers.
create table tasker.gate_words (
  name text not null,
  stamp bigint not null,
  at bigint not null,
  actor text not null,
  reason text not null,
  said text not null,
  primary key (name, stamp)
) --pg
) without rowid --lite
;

-- How many steps began when, of what has a rate; no longer than the period of the rate.
create table tasker.gate_uses (
  name text not null,
  at bigint not null,
  n integer not null,
  primary key (name, at)
) --pg
) without rowid --lite
;

-- The keys of which steps stand aside, because as many of that key run as may: in the lane of the key, not in the handler's.
create table tasker.gate_lines (
  lane text not null,
  key text not null,
  primary key (lane, key)
) --pg
) without rowid --lite
;

-- The key of each step that is limited by a key, as the context of its task had it.
create table tasker.step_keys (
  task_id bigint not null,
  no integer not null,
  key text not null,
  primary key (task_id, no)
) --pg
) without rowid --lite
;
