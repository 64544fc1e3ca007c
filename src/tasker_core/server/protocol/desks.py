"""The remote workers of one server: registered, found by their ids, beating, ended."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence

from tasker_core.engine import Engine
from tasker_core.engine.processes import ProcessId
from tasker_core.server.protocol.desk import Desk
from tasker_core.server.protocol.leases import LeaseTexts
from tasker_core.server.protocol.offer import Offer
from tasker_core.server.protocol.reports import Reader
from tasker_core.server.protocol.ticket import Seal, key_of
from tasker_core.server.shapes.worker_protocol import Registration
from tasker_core.store.rows import WorkerRow
from tasker_core.words import LeaseKey, Micros
from tasker_core.worker.transport import beat_every

SECRET = "leases"


class WorkerUnknownError(Exception):
    """No such worker, or not one any more, or another caller's."""


class Desks:
    """Safe to use from several threads. ``begin`` is called when the first worker comes."""

    def __init__(self, engine: Engine, begin: Callable[[], None]) -> None:
        self._engine, self._begin = engine, begin
        self._desks: dict[str, Desk] = {}
        self._lock = threading.Lock()
        self._texts: LeaseTexts | None = None
        self._reader: Reader | None = None

    @property
    def heartbeat(self) -> Micros:
        """How often workers are to beat."""
        return beat_every(self._engine.lease_time)

    @property
    def texts(self) -> LeaseTexts:
        """Writes leases."""
        self._read_secret()
        assert self._texts is not None
        return self._texts

    @property
    def reader(self) -> Reader:
        """Reads reports."""
        self._read_secret()
        assert self._reader is not None
        return self._reader

    def here(self) -> list[Desk]:
        """The workers that this server knows."""
        return list(self._desks.values())

    def register(self, said: Registration, owner: str, address: str) -> tuple[Desk, bool]:
        """Enter a worker, or take what it says of itself anew; whether it is new."""
        engine, offer = self._engine, Offer(handlers=said.handlers, namespaces=said.namespaces)
        process, now = said.process, engine.clock.now()
        where = ProcessId(address, "", 0, 0)
        if process is not None:
            where = ProcessId(process.host, process.boot, process.pid, process.started)
        row, is_new = engine.store.workers.register_remote(
            WorkerRow(
                0, engine.ids.new(), said.name or f"{said.language or 'worker'}-{str(said.instance_id)[:8]}", *where,
                f"{said.language} {said.sdk_version}".strip(), said.slots, "[]", "live", now, now,
                instance=f"{said.instance_id} {owner}", owner=owner, offer=offer.text(),
            )
        )  # fmt: skip
        if not is_new:
            engine.store.workers.offer(row.id, offer.text(), said.slots)
            engine.store.workers.beat(row.id, now)
        with self._lock:
            desk = self._desks.get(row.uuid)
            if desk is None:
                desk = self._desks[row.uuid] = Desk(engine, row)
        desk.offer(offer)
        desk.look()
        self._begin()
        return desk, is_new

    def find(self, uuid: str, owner: str) -> Desk:
        """The worker of this id. Raises WorkerUnknownError."""
        desk = self._desks.get(uuid)
        if desk is None:
            row = self._engine.store.workers.remote(uuid=uuid)
            if row is None:
                raise WorkerUnknownError
            with self._lock:
                desk = self._desks.setdefault(uuid, Desk(self._engine, row))
            self._begin()
        if desk.owner != owner:
            raise WorkerUnknownError
        return desk

    def known_here(self, uuid: str, owner: str) -> Desk | None:
        """The same without asking the store."""
        desk = self._desks.get(uuid)
        return desk if desk is not None and desk.owner == owner else None

    def beat(self, desk: Desk, named: Sequence[str], *, draining: bool) -> list[tuple[str, str]]:
        """A worker lives, and believes that it holds what it ``named``: what is so of each.

        Raises WorkerUnknownError.
        """
        engine = self._engine
        keys = {name: key_of(name) for name in named}
        heard = engine.beat(desk.number, {key for key in keys.values() if key is not None})
        if not heard.known:
            self.forget(desk)
            raise WorkerUnknownError
        if draining and not heard.drains:
            engine.store.workers.drain(desk.number)
        strays = [key for key, claimed_at in heard.unknown.items() if claimed_at < desk.last_beat]
        if strays:
            engine.give_back(desk.number, strays, "the worker doesn't know of this lease")
        desk.look()
        desk.beaten(engine.clock.now(), drains=heard.drains or draining)

        def status(key: LeaseKey | None) -> str:
            if key is None or key in heard.lost:
                return "lost"
            return "cancel" if key in heard.cancelled else "extended"

        return [(name, status(key)) for name, key in keys.items()]

    def end(self, desk: Desk) -> int:
        """The worker ends; how many steps go back into the queue."""
        store = self._engine.store
        held = store.steps.held_by(desk.number)
        self._engine.give_back(desk.number, held.keys(), "the worker ended")
        store.workers.end(desk.number)
        self.forget(desk)
        return len(held)

    def forget(self, desk: Desk) -> None:
        with self._lock:
            self._desks.pop(desk.uuid, None)
        desk.close()

    def forget_silent(self, seconds: float) -> None:
        """Forget those that said nothing for so long: they may have gone to another server. Who comes back is found."""
        for desk in self.here():
            if desk.silent_for > seconds and not desk.waits:
                self.forget(desk)

    def _read_secret(self) -> None:
        if self._reader is None:
            seal = Seal(self._engine.store.workers.secret(SECRET, secrets.token_urlsafe(32)))
            self._texts, self._reader = LeaseTexts(self._engine, seal), Reader(self._engine, seal)
