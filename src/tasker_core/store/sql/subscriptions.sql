-- Who is given durable events. `position` is the number of the last event that is done with: delivered, or none of theirs.

-- name: insert_subscription
-- A subscriber that is there already stays where it stands; only what it wants may have changed.
insert into tasker.subscriptions (id, kind, name, state, patterns, namespace, url, secret, position, delivered, tries, failing_since, next_at, error, holder, held_until, created_at, updated_at)
values (:id, :kind, :name, 'active', :patterns, :namespace, :url, :secret, coalesce(cast(:position as bigint), (select o.last from tasker.event_order o where o.id = 1)), 0, 0, 0, 0, '', '', 0, :now, :now)
on conflict (kind, name) do update set patterns = excluded.patterns, updated_at = excluded.updated_at
  where excluded.kind = 'subscriber'
returning id

-- name: subscriptions_of
select s.id, s.kind, s.name, s.state, s.patterns, s.namespace, s.url, s.secret, s.position, s.delivered, s.tries, s.failing_since, s.next_at, s.error, s.holder, s.held_until, s.created_at, s.updated_at
from tasker.subscriptions s where s.kind = :kind order by s.created_at, s.name

-- name: subscription_by_id
select s.id, s.kind, s.name, s.state, s.patterns, s.namespace, s.url, s.secret, s.position, s.delivered, s.tries, s.failing_since, s.next_at, s.error, s.holder, s.held_until, s.created_at, s.updated_at
from tasker.subscriptions s where s.id = :id

-- name: due_webhooks
-- Those that have something to be given, and whose time has come. Whoever gives it to them just now is asked later.
select s.id from tasker.subscriptions s
where s.kind = 'webhook' and s.state = 'active' and s.next_at <= :now
  and s.position < (select o.last from tasker.event_order o where o.id = 1)
order by s.next_at, s.name limit 1000

-- name: hold_subscription
-- Anyone may deliver when the holder has been silent for too long, or is known to be dead (:dead).
update tasker.subscriptions set holder = :holder, held_until = :until
where id = :id and state = 'active' and next_at <= :now and (holder in (:holder, :dead) or held_until < :now)
returning id, kind, name, state, patterns, namespace, url, secret, position, delivered, tries, failing_since, next_at, error, holder, held_until, created_at, updated_at

-- name: renew_subscriptions
update tasker.subscriptions set held_until = :until where holder = :holder and held_until >= :now

-- name: advance_subscription
-- Not if somebody else delivers now, nor if an operator has set it to another place meanwhile.
update tasker.subscriptions set position = :position, delivered = delivered + :delivered, tries = 0, failing_since = 0,
  next_at = 0, error = '', held_until = :until, updated_at = case when :delivered > 0 then :now else updated_at end
where id = :id and holder = :holder and position = :was
returning id

-- name: postpone_subscription
update tasker.subscriptions set tries = :tries, failing_since = :since, next_at = :next_at, error = :error, state = :state,
  holder = '', held_until = 0, updated_at = :now
where id = :id and holder = :holder and position = :was

-- name: release_subscription
update tasker.subscriptions set holder = '', held_until = 0 where id = :id and holder = :holder

-- name: change_subscription
-- What isn't given stays. Whoever was just delivering finds that it isn't the holder any more.
update tasker.subscriptions set state = coalesce(cast(:state as text), state), position = coalesce(cast(:position as bigint), position),
  patterns = coalesce(cast(:patterns as text), patterns), url = coalesce(cast(:url as text), url),
  secret = coalesce(cast(:secret as text), secret), namespace = coalesce(cast(:namespace as text), namespace),
  tries = 0, failing_since = 0, next_at = 0, error = '', holder = '', held_until = 0, updated_at = :now
where id = :id
returning id

-- name: drop_subscription
delete from tasker.subscriptions where id = :id returning id

-- name: insert_delivery
insert into tasker.deliveries (subscription, number, event, name, try, at, took, status, error)
values (:id, :number, :event, :name, :try, :at, :took, :status, :error)

-- name: drop_old_deliveries
-- The log keeps the last ones of each webhook.
delete from tasker.deliveries where subscription = :id and id < coalesce(
  (select d.id from tasker.deliveries d where d.subscription = :id order by d.id desc limit 1 offset :kept), 0)

-- name: drop_deliveries
delete from tasker.deliveries where subscription = :id

-- name: deliveries_of
select d.id, d.number, d.event, d.name, d.try, d.at, d.took, d.status, d.error
from tasker.deliveries d
where d.subscription = :id and d.id < :before
order by d.id desc limit :most
