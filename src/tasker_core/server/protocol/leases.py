"""A lease as a worker gets it: JSON put together of the texts that the store keeps, none of them decoded."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tasker_core.clock import step_uuid
from tasker_core.engine import Engine, Known
from tasker_core.server.protocol.ticket import Seal, lease_id, ticket_of
from tasker_core.words import Lease

_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class LeaseTexts:
    """Writes leases of one store; what is the same for all leases of a step is written once."""

    def __init__(self, engine: Engine, seal: Seal) -> None:
        self._engine, self._seal = engine, seal
        self._lease_ms = engine.lease_time // 1_000
        self._fixed: dict[tuple[str, int], str] = {}

    def write(self, leases: Sequence[Lease]) -> str:
        """A JSON list of ``leases``."""
        return f"[{','.join(map(self._write, leases))}]"

    def _write(self, lease: Lease) -> str:
        results = ",".join(f"{_json(name)}:{text or 'null'}" for name, text in lease.dependency_results.items())
        step = _json(lease.step)
        return (
            f'{{"lease_id":"{lease_id(lease.key)}","token":"{self._seal.token(ticket_of(lease))}"'
            f',"fence":{lease.key.fence},"lease_ms":{self._lease_ms},"task_uuid":"{lease.task_uuid}"'
            f',"step_uuid":"{step_uuid(lease.task_uuid, lease.key.no)}","step":{step},{self._of_step(lease)}'
            f',"attempt":{lease.attempt},"context":{lease.context},"dependency_results":{{{results}}}'
            f',"inputs":{lease.inputs or "null"},"checkpoint":{lease.checkpoint or "null"}'
            f',"idempotency_key":"{lease.task_uuid}:{step[1:-1]}","correlation_id":{_json(lease.correlation_id)}'
            f',"traceparent":{_json(lease.traceparent)}'
            f',"key":[{lease.key.task},{lease.key.no},{lease.key.fence}],"rank":{lease.rank},"crashes":{lease.crashes}}}'
        )

    def _of_step(self, lease: Lease) -> str:
        known = self._engine.catalog.known(lease.template)
        place = lease.template, known.place(lease.key.no)
        if (text := self._fixed.get(place)) is None:
            text = self._fixed[place] = _fixed(known, lease.key.no)
        return text


def _fixed(known: Known, no: int) -> str:
    template, step = known.template, known.step(no)
    said = {
        "namespace": template.namespace_name,
        "template": {"name": template.name, "version": template.version, "id": known.id},
        "handler": step.handler.callable,
        "method": step.handler.method if step.handler.method != "call" else None,
        "max_attempts": step.retry_policy.max_attempts,
        "timeout_ms": None if step.timeout_seconds is None else round(step.timeout_seconds * 1_000),
        "step_config": dict(step.handler.initialization),
    }
    return _json(said)[1:-1]
