"""The requests of a worker to its server, with the credentials of a client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from tasker_core.client.call import Call, Request
from tasker_core.client.http import Http
from tasker_core.client.local import Local

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

SPEAKS = {"Tasker-Protocol": "1"}
LONGEST_BEAT = 4.0
"""Seconds that a heartbeat may take: another one must get through before the lease ends."""


class Asking:
    """Asks the server that ``settings.worker.url`` names, from any thread."""

    def __init__(self, settings: Settings) -> None:
        there = settings.client.model_copy(update={"url": settings.worker.url})
        hasty = there.model_copy(update={"timeout": min(there.timeout, LONGEST_BEAT)})
        subject = settings.worker.name or "tasker-worker"
        self._door = Http(settings.model_copy(update={"client": there}), subject)
        self._hasty_door = Http(settings.model_copy(update={"client": hasty}), subject)

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | str | None = None, *,
        query: Mapping[str, str] | None = None, waiting: float = 0.0, once: bool = False, hastily: bool = False,
    ) -> Any:  # fmt: skip
        """The answer to a request, whose ``body`` may be JSON already; None where it is empty.

        The answer may be held back for ``waiting`` seconds more than usual; who asks ``once`` knows when to ask again;
        ``hastily`` is not waited for long. Raises ClientError.
        """
        text = json.dumps(body) if isinstance(body, Mapping) else body
        request = Request(path, method, query or {}, text, once=once, headers=SPEAKS)
        door = self._hasty_door if hastily else self._door
        return door.do(Call(_nowhere, lambda: request, _as_it_is, waiting=waiting))

    def close(self) -> None:
        self._door.close()
        self._hasty_door.close()


def _nowhere(_: Local) -> NoReturn:
    # The half of a client's call that is answered in process: `Http` never takes it.
    raise AssertionError("a worker over HTTP asks a server")


def _as_it_is(said: Any) -> Any:
    return said
