"""Namespaces: which there are, which are paused, and what operators say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tasker_core.clock import Clock, Ids
from tasker_core.engine.moment import moment
from tasker_core.engine.wake import Wake
from tasker_core.errors import NamespaceNotFoundError, TaskStateError
from tasker_core.rules.pausing import said
from tasker_core.rules.spelling import did_you_mean
from tasker_core.store import Store
from tasker_core.store.repairs import Saying
from tasker_core.words import Pause, Word

MOST_WORDS_TOLD = 100
PAUSED = "paused"


class Namespaces:
    """Those of the registered templates. All verbs raise NamespaceNotFoundError for any other."""

    def __init__(self, store: Store, wake: Wake, clock: Clock, ids: Ids) -> None:
        self._store, self._wake, self._clock, self._ids = store, wake, clock, ids

    def all(self) -> list[dict[str, Any]]:
        """Every namespace, with how many templates it has for new tasks, and who paused it, if anybody did."""
        known, paused = self._store.pauses.namespaces()
        return [_view(name, count, paused.get(name)) for name, count in sorted(known.items())]

    def one(self, namespace: str) -> dict[str, Any]:
        """One of them, and the latest that was said of it."""
        known, paused = self._store.pauses.namespaces()
        self._refuse_unknown(namespace, known)
        words = self._store.pauses.words(namespace, MOST_WORDS_TOLD)
        history = [{"verb": w.verb, "at": moment(w.at), "by": w.actor, "reason": w.reason} for w in words]
        return _view(namespace, known[namespace], paused.get(namespace)) | {"history": history}

    def pause(self, namespace: str, word: Word) -> None:
        """Nothing of the namespace begins until it is resumed; once this returns, no claim of its steps commits.

        What runs goes on to its end. Tasks that are created meanwhile wait. Raises TaskStateError where it is paused
        already.
        """

        def judge(pause: Pause | None) -> None:
            if pause is not None:
                raise TaskStateError(f"namespace {namespace} is paused already, {said(pause)}", state=PAUSED)

        self._say(namespace, "pause", word, judge, self._store.pauses.pause_namespace)

    def resume(self, namespace: str, word: Word) -> None:
        """Let a namespace go on that is paused. Raises TaskStateError where it isn't."""

        def judge(pause: Pause | None) -> None:
            if pause is None:
                raise TaskStateError(f"namespace {namespace} isn't paused; there is nothing to resume")

        if self._say(namespace, "resume", word, judge, self._store.pauses.resume_namespace):
            self._wake.ready(None)

    def _say(
        self, namespace: str, verb: str, word: Word, judge: Callable[[Pause | None], None],
        do: Callable[[str, Saying, Callable[[Pause | None], None]], bool],
    ) -> bool:  # fmt: skip
        self._refuse_unknown(namespace, self._store.pauses.namespaces()[0])
        stamp = self._ids.stamp() if word.stamp is None else word.stamp
        return do(namespace, Saying(0, stamp, self._clock.now(), word.actor, word.reason, verb), judge)

    def _refuse_unknown(self, namespace: str, known: Sequence[str] | dict[str, int]) -> None:
        if namespace not in known:
            raise NamespaceNotFoundError(
                f"there is no namespace {namespace!r}: no template of it is registered{did_you_mean(namespace, known)}"
            )


def _view(name: str, templates: int, pause: Pause | None) -> dict[str, Any]:
    paused = None if pause is None else {"by": pause.actor, "at": moment(pause.at), "reason": pause.reason}
    return {"namespace": name, "templates": templates, "paused": paused}
