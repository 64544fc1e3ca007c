"""Workers in the store: their heartbeats, and the duties that one process at a time does."""

from __future__ import annotations

from collections.abc import Collection

from tasker_core.store.database import Access, Call, as_json
from tasker_core.store.rows import RemoteRow, WorkerRow
from tasker_core.words import JsonText, Micros


class Workers:
    """What can be said about workers."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def register(self, worker: WorkerRow) -> int:
        """Enter ``worker`` as live; its number."""
        (rows,) = self._database.write(Call("insert_worker", {**worker._asdict(), "now": worker.started_at}))
        return int(rows[0][0])

    def register_remote(self, worker: WorkerRow) -> tuple[RemoteRow, bool]:
        """The same for one that speaks through servers; what is registered of its instance, and whether it is new."""
        (rows,) = self._database.write(Call("insert_worker", {**worker._asdict(), "now": worker.started_at}))
        registered = self.remote(instance=worker.instance)
        assert registered is not None
        return registered, bool(rows)

    def remote(self, *, uuid: str | None = None, instance: str | None = None) -> RemoteRow | None:
        """The live worker of this UUID, or of this instance, that speaks through servers."""
        (rows,) = self._database.read(Call("remote_worker", {"uuid": uuid, "instance": instance}))
        return RemoteRow(*rows[0]) if rows else None

    def offer(self, worker: int, offer: JsonText, slots: int) -> None:
        """From here on ``worker`` runs what ``offer`` says."""
        self._database.write(Call("offer_of_worker", {"worker": worker, "offer": offer, "slots": slots}))

    def secret(self, name: str, fresh: str) -> str:
        """What all servers of this database know under ``name``: ``fresh`` where nothing was kept before."""
        named = {"name": name}
        *_, rows = self._database.write(Call("keep_secret", {**named, "value": fresh}), Call("secret", named))
        return str(rows[0][0])

    def names(self, workers: Collection[int]) -> dict[int, tuple[str, str]]:
        """UUID and name of each of these workers."""
        (rows,) = self._database.read(Call("workers_by_id", {"workers": as_json(list(workers))}))
        return {row[0]: (row[1], row[2]) for row in rows}

    def serve(self, worker: int, lanes: Collection[str]) -> None:
        """From here on ``worker`` serves these lanes."""
        self._database.write(Call("serve_lanes", {"worker": worker, "lanes": as_json(sorted(lanes))}))

    def beat(self, worker: int, now: Micros) -> str | None:
        """Renew the heartbeat; live or draining, or None when the worker was swept and must register again."""
        (rows,) = self._database.write(Call("beat", {"worker": worker, "now": now}))
        return rows[0][0] if rows else None

    def drain(self, worker: int) -> None:
        """No further claims for ``worker``; what it holds runs on."""
        self._database.write(Call("drain_worker", {"worker": worker}))

    def have_drained(self, worker: str, actor: str, reason: str) -> bool:
        """The same for the worker with this UUID, on an operator's word; False where it isn't live."""
        said = {"worker": worker, "actor": actor, "reason": reason}
        return bool(self._database.write(Call("have_worker_drain", said))[0])

    def end(self, worker: int) -> None:
        self._database.write(Call("end_worker", {"worker": worker}))

    def live(self) -> list[WorkerRow]:
        (rows,) = self._database.read(Call("live_workers", {}))
        return [WorkerRow(*row) for row in rows]

    def held(self) -> dict[int, tuple[int, Micros]]:
        """How many steps each worker runs, and since when the longest of them, by the worker's number."""
        (rows,) = self._database.read(Call("held_by_workers", {}))
        return {row[0]: (row[1], row[2]) for row in rows}

    def expire(self, oldest: Micros, dead: Collection[int]) -> list[int]:
        """End the workers that last beat before ``oldest``, and ``dead`` ones; which."""
        (rows,) = self._database.write(Call("expire_workers", {"oldest": oldest, "dead": as_json(list(dead))}))
        return [row[0] for row in rows]

    def take_duty(self, name: str, holder: str, now: Micros, until: Micros, dead: str = "") -> bool:
        """Take or renew the duty ``name``; False while another than ``dead`` holds it."""
        words = {"name": name, "holder": holder, "now": now, "until": until, "dead": dead}
        return bool(self._database.write(Call("take_duty", words))[0])

    def duty_holder(self, name: str) -> str:
        """Who holds the duty ``name``, or held it last; "" when nobody ever did."""
        (rows,) = self._database.read(Call("duty_holder", {"name": name}))
        return str(rows[0][0]) if rows else ""

    def drop_duty(self, name: str, holder: str) -> None:
        self._database.write(Call("drop_duty", {"name": name, "holder": holder}))
