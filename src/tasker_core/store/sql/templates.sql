-- Every content of every version ever used is kept: a task runs to its end on the one it started with.

-- name: lock_templates
-- One registration at a time, or two that don't see each other's row would both become current. Readers go on.
lock table tasker.templates in share row exclusive mode --pg
select 1 where false --lite

-- name: insert_template
insert into tasker.templates (id, namespace, name, version, digest, content, registered_at, current)
select :id, :namespace, :name, :version, :digest, :content, :now, 0
where not exists (select 1 from tasker.templates where namespace = :namespace and name = :name and version = :version and digest = :digest)
on conflict do nothing

-- name: insert_template_steps
with b as (select * from jsonb_to_recordset(:steps::jsonb) as j(step integer, name text, lane text, waits integer)) --pg
with b as materialized (select value->>'step' as step, value->>'name' as name, value->>'lane' as lane, value->>'waits' as waits from json_each(:steps)) --lite
insert into tasker.template_steps (template_id, no, name, lane, waits)
select t.id, b.step, b.name, b.lane, b.waits
from b join tasker.templates t on t.id = :id
where true
on conflict do nothing

-- name: insert_template_edges
with b as (select * from jsonb_to_recordset(:edges::jsonb) as j(parent_no integer, child_no integer)) --pg
with b as materialized (select value->>'parent_no' as parent_no, value->>'child_no' as child_no from json_each(:edges)) --lite
insert into tasker.template_edges (template_id, parent, child)
select t.id, b.parent_no, b.child_no
from b join tasker.templates t on t.id = :id
where true
on conflict do nothing

-- name: make_current
-- The content that new tasks of this version get.
update tasker.templates set current = case when digest = :digest then 1 else 0 end
where namespace = :namespace and name = :name and version = :version

-- name: template_by_id
select id, namespace, name, version, digest, content, current from tasker.templates where id = :id

-- name: templates_current
select id, namespace, name, version, digest, content, current from tasker.templates
where current = 1
  and (cast(:name as text) is null or name = :name)
  and (cast(:namespace as text) is null or namespace = :namespace)
  and (cast(:version as text) is null or version = :version)
order by namespace, name, registered_at

-- name: templates_in_use
-- Asked when a template was registered, not in between: the tasks are only looked through for contents that were replaced.
select t.id, t.namespace, t.name, t.version, t.digest, t.content, t.current from tasker.templates t
where t.current = 1 or exists (
  select 1 from tasker.tasks k
  where k.template_id = t.id and k.state not in ('complete', 'error', 'cancelled', 'resolved_manually')
)
order by t.current desc, t.namespace, t.name, t.registered_at

-- name: template_mark
-- Changes whenever a template is registered or a limit or breaker changes, so that workers learn of it from one cheap row.
select count(*), coalesce(max(registered_at), 0), (select cast(coalesce(sum(g.version), 0) as bigint) from tasker.gates g)
from tasker.templates
