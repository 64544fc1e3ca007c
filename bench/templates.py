"""The shapes that are measured."""

from __future__ import annotations

from typing import Any

from bench.payload import CHECKOUT

NAMESPACE = "bench"


def checkout(namespace: str = NAMESPACE) -> dict[str, Any]:
    """Five steps, one after the other."""
    steps = [
        {"name": name, "handler": {"callable": f"bench_{name}"}, "dependencies": CHECKOUT[max(no - 1, 0) : no]}
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


def _template(name: str, steps: list[dict[str, Any]], namespace: str = NAMESPACE) -> dict[str, Any]:
    return {"name": name, "namespace_name": namespace, "version": "1.0.0", "steps": steps}


QUIET, FLOODED = "bench_quiet", "bench_flooded"
ALL = (checkout(), fan(8), fan(1_000), checkout(QUIET), checkout(FLOODED))
