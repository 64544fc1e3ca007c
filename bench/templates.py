"""The shapes that are measured."""

from __future__ import annotations

from typing import Any

from bench.payload import CHECKOUT

NAMESPACE = "bench"


def checkout(namespace: str = NAMESPACE, **of_each_step: Any) -> dict[str, Any]:
    """Five steps, one after the other."""
    steps = [
        {
            "name": name,
            "handler": {"callable": f"bench_{name}"},
            "dependencies": CHECKOUT[max(no - 1, 0) : no],
            **of_each_step,
        }
        for no, name in enumerate(CHECKOUT)
    ]
    return _template("bench_checkout", steps, namespace)


def fan(width: int) -> dict[str, Any]:
    """One step, then ``width`` at once, then one that joins them."""
    middle = [f"part_{no}" for no in range(width)]
    steps = [
        {"name": "first", "dependencies": []},
        *({"name": name, "dependencies": ["first"]} for name in middle),
        {"name": "last", "dependencies": middle},
    ]
    return _template(f"bench_fan_{width}", [{**step, "handler": {"callable": "bench_fan"}} for step in steps])


def batch() -> dict[str, Any]:
    """One step that cuts as many pieces as the context says, a step for each, then one that joins them."""
    steps: list[dict[str, Any]] = [
        {"name": "first", "type": "batchable", "handler": {"callable": "bench_cut"}},
        {"name": "part", "type": "batch_worker", "dependencies": ["first"]},
        {"name": "last", "type": "deferred_convergence", "dependencies": ["part"]},
    ]
    steps[0]["batch_config"] = {"worker_template": "part", "parallelism": 1_000}
    return _template("bench_batch", [{"handler": {"callable": "bench_fan"}, **step} for step in steps])


def chain(length: int) -> dict[str, Any]:
    """``length`` steps, one after the other."""
    names = [f"link_{no}" for no in range(length)]
    steps = [
        {"name": name, "handler": {"callable": "bench_fan"}, "dependencies": names[max(no - 1, 0) : no]}
        for no, name in enumerate(names)
    ]
    return _template(f"bench_chain_{length}", steps)


def _template(name: str, steps: list[dict[str, Any]], namespace: str = NAMESPACE) -> dict[str, Any]:
    return {"name": name, "namespace_name": namespace, "version": "1.0.0", "steps": steps}


QUIET, FLOODED = "bench_quiet", "bench_flooded"
LIMITED: dict[str, dict[str, Any]] = {
    "bench_limited": {"concurrency": 10_000},
    "bench_rated": {"rate": "10000000/min"},
    "bench_keyed": {"concurrency": {"per_key": 10_000, "key": "email"}},
    "bench_by_customer": {"concurrency": {"per_key": 1, "key": "order"}},
}
"""Namespaces whose limits hold nothing back, and one with a key for each task."""
ALL = (
    checkout(), batch(), fan(8), fan(1_000), checkout(QUIET), checkout(FLOODED),
    *(checkout(namespace, **limits) for namespace, limits in LIMITED.items()),
)  # fmt: skip
