"""Workers in the store: their heartbeats, and the duties that one process at a time does."""

from __future__ import annotations

import json
from collections.abc import Collection

from tasker_core.store.database import Call, Database
from tasker_core.store.rows import WorkerRow
from tasker_core.words import Micros


class Workers:
    """What can be said about workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, worker: WorkerRow) -> None:
        self._database.write(Call("insert_worker", {**worker._asdict(), "now": worker.started_at}))

    def serve(self, worker: str, lanes: Collection[str]) -> None:
        """From here on ``worker`` serves these lanes."""
        self._database.write(Call("serve_lanes", {"worker": worker, "lanes": json.dumps(sorted(lanes))}))

    def beat(self, worker: str, now: Micros) -> bool:
        """Renew the heartbeat; False when the worker was swept meanwhile and must register again."""
        return bool(self._database.write(Call("beat", {"worker": worker, "now": now}))[0])

    def drain(self, worker: str) -> None:
        """No further claims for ``worker``; what it holds runs on."""
        self._database.write(Call("drain_worker", {"worker": worker}))

    def end(self, worker: str) -> None:
        self._database.write(Call("end_worker", {"worker": worker}))

    def live(self) -> list[WorkerRow]:
        (rows,) = self._database.read(Call("live_workers", {}))
        return [WorkerRow(*row) for row in rows]

    def expire(self, oldest: Micros, dead: Collection[str]) -> list[str]:
        """End the workers that last beat before ``oldest``, and ``dead`` ones; which."""
        (rows,) = self._database.write(Call("expire_workers", {"oldest": oldest, "dead": json.dumps(list(dead))}))
        return [row[0] for row in rows]

    def forget(self, oldest: Micros) -> None:
        """Drop workers that ended before ``oldest``."""
        self._database.write(Call("forget_workers", {"oldest": oldest}))

    def take_duty(self, name: str, holder: str, now: Micros, until: Micros) -> bool:
        """Take or renew the duty ``name``; False while another holds it."""
        words = {"name": name, "holder": holder, "now": now, "until": until}
        return bool(self._database.write(Call("take_duty", words))[0])

    def drop_duty(self, name: str, holder: str) -> None:
        self._database.write(Call("drop_duty", {"name": name, "holder": holder}))
