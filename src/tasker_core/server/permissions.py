"""The permissions: one table of what there is, and what each one lets its bearer do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tasker_core.rules.spelling import did_you_mean

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "tasks:create": "create tasks",
        "tasks:read": "read a task, and wait for it",
        "tasks:list": "list tasks",
        "tasks:cancel": "cancel a task",
        "tasks:operate": "restart, retry, pause, resume, resolve, undo or give up a task",
        "tasks:context_read": "see the values in contexts and results that are masked for others",
        "steps:read": "read the steps of a task, their results and attempts",
        "steps:resolve": "reset a step, complete it by hand, resolve it",
        "dlq:read": "read dead letters",
        "dlq:update": "record an investigation of a dead letter",
        "dlq:stats": "read the counts of dead letters",
        "dlq:requeue": "run again what a dead letter stands for",
        "templates:read": "read templates",
        "templates:validate": "ask whether live workers can run a template",
        "templates:register": "register templates",
        "workers:read": "read which workers there are, and what they serve",
        "workers:drain": "have a worker finish what it runs and take no more",
        "worker:run": "be a worker: claim steps and report what became of them",
        "worker:config_read": "read a worker's configuration",
        "worker:templates_read": "read the templates that a worker serves",
        "namespaces:read": "read which namespaces there are, and which are paused",
        "namespaces:operate": "pause a namespace, set limits, open and close breakers",
        "events:read": "read domain events, and who is given them",
        "events:manage": "make, change and end webhooks, and set subscriptions to another place",
        "audit:read": "read who did what, and when",
        "system:config_read": "read the server's configuration",
        "system:handlers_read": "read which handlers are served, and what limits them",
        "system:analytics_read": "read durations, rates and bottlenecks",
    }
)
"""Every permission with its meaning. A route names exactly one of them."""

RESOURCES = frozenset(permission.partition(":")[0] for permission in PERMISSIONS)


def why_unknown(permission: str) -> str | None:
    """What is wrong with a permission that somebody is to be given, or None: it is in the table or ``resource:*``.

    >>> why_unknown("tasks:create") is why_unknown("tasks:*") is None
    True
    >>> why_unknown("*")
    "'*' would permit everything: name each resource, as in 'tasks:*'"
    >>> why_unknown("tasks:creat")
    "there is no permission 'tasks:creat'; did you mean 'tasks:create'?"
    """
    if permission in PERMISSIONS:
        return None
    resource, _, action = permission.partition(":")
    if action == "*" and resource in RESOURCES:
        return None
    if permission in ("*", "*:*"):
        return f"{permission!r} would permit everything: name each resource, as in 'tasks:*'"
    known = (*PERMISSIONS, *(f"{each}:*" for each in sorted(RESOURCES)))
    return f"there is no permission {permission!r}{did_you_mean(permission, known)}"


def granted(permissions: Iterable[str]) -> frozenset[str]:
    """All that ``permissions`` permit, each ``resource:*`` written out. What isn't known permits nothing.

    >>> sorted(granted(["dlq:*", "tasks:read", "*"]))
    ['dlq:read', 'dlq:requeue', 'dlq:stats', 'dlq:update', 'tasks:read']
    """
    held: set[str] = set()
    for permission in permissions:
        resource, _, action = permission.partition(":")
        if action == "*":
            held.update(each for each in PERMISSIONS if each.startswith(f"{resource}:"))
        elif permission in PERMISSIONS:
            held.add(permission)
    return frozenset(held)
