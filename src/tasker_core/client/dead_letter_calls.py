"""What a client asks about dead letters: its arguments checked, and made into calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.client.call import Call, Request
from tasker_core.clock import RandomIds, stamp_of
from tasker_core.engine.requests import as_mapping, as_text, as_uuid
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.payload import encode
from tasker_core.types.dead_letters import DeadLetter, DeadLetterGroup, DeadLetterStats, Requeued, StandingTask
from tasker_core.words import Word

LARGEST_PAGE = 1_000


class DeadLetterCalls:
    """The calls of a client that operates as ``initiator``."""

    def __init__(self, initiator: str) -> None:
        self._initiator, self._ids = initiator, RandomIds()

    def newest(self, wanted: Mapping[str, str | None], limit: int, offset: int) -> Call[list[DeadLetter]]:
        _page(limit, offset)
        query = {"limit": limit, "offset": offset, **_query(wanted)}
        return Call(
            lambda local: local.dead_letters.list(wanted, limit, offset), lambda: Request("/v1/dlq", query=query), _all
        )

    def groups(self, wanted: Mapping[str, str | None], limit: int) -> Call[list[DeadLetterGroup]]:
        _page(limit)
        return Call(
            lambda local: local.dead_letters.groups(wanted, limit),
            lambda: Request("/v1/dlq/groups", query={"limit": limit, **_query(wanted)}),
            lambda groups: [DeadLetterGroup.from_dict(group) for group in groups],
        )

    def get(self, entry: str) -> Call[DeadLetter]:
        letter = as_uuid(entry, "dlq_entry_uuid")
        return Call(
            lambda local: local.dead_letters.get(letter),
            lambda: Request(f"/v1/dlq/entry/{letter}"),
            DeadLetter.from_dict,
        )

    def of_task(self, task_uuid: str) -> Call[DeadLetter]:
        task = as_uuid(task_uuid, "task_uuid")
        return Call(
            lambda local: local.dead_letters.of_task(task),
            lambda: Request(f"/v1/dlq/task/{task}"),
            DeadLetter.from_dict,
        )

    def queue(self, limit: int) -> Call[list[DeadLetter]]:
        _page(limit)
        return Call(
            lambda local: local.dead_letters.queue(limit),
            lambda: Request("/v1/dlq/investigation-queue", query={"limit": limit}),
            _all,
        )

    def stats(self) -> Call[list[DeadLetterStats]]:
        return Call(
            lambda local: local.dead_letters.stats(),
            lambda: Request("/v1/dlq/stats"),
            lambda stats: [DeadLetterStats.from_dict(each) for each in stats],
        )

    def staleness(self, limit: int) -> Call[list[StandingTask]]:
        _page(limit)
        return Call(
            lambda local: local.dead_letters.staleness(limit),
            lambda: Request("/v1/dlq/staleness", query={"limit": limit}),
            lambda tasks: [StandingTask.from_dict(task) for task in tasks],
        )

    def update(
        self, entry: str, status: str, notes: str | None, metadata: Mapping[str, Any] | None, by: str | None
    ) -> Call[DeadLetter]:
        letter = as_uuid(entry, "dlq_entry_uuid")
        kept = None if metadata is None else dict(as_mapping(metadata, "metadata"))
        said = {
            "resolution_status": status, "resolution_notes": notes, "metadata": kept, "resolved_by": self._who(by, ""),
        }  # fmt: skip
        return Call(
            lambda local: local.dead_letters.update(letter, said),
            lambda: Request(f"/v1/dlq/entry/{letter}", "PATCH", body=encode(said, "request")),
            DeadLetter.from_dict,
        )

    def send(self, task_uuid: str, reason: str, by: str | None) -> Call[DeadLetter]:
        task, who, action = as_uuid(task_uuid, "task_uuid"), self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason)
        said = {"task_uuid": task, "reason": reason, "by": who, "action_id": action}
        return Call(
            lambda local: local.dead_letters.get(local.requeuer.send(task, word, action)),
            lambda: Request("/v1/dlq", "POST", body=encode(said, "request")),
            DeadLetter.from_dict,
        )

    def requeue(self, entry: str, reason: str, by: str | None) -> Call[DeadLetter]:
        letter, who, action = as_uuid(entry, "dlq_entry_uuid"), self._who(by, reason), self._ids.new()
        word = Word(f"client {who}", reason, stamp_of(action))
        said = {"reason": reason, "by": who, "action_id": action}
        return Call(
            lambda local: local.requeued(letter, word),
            lambda: Request(f"/v1/dlq/entry/{letter}/requeue", "POST", body=encode(said, "request")),
            DeadLetter.from_dict,
        )

    def requeue_group(
        self, fingerprint: str, rate: float | None, limit: int, reason: str, by: str | None
    ) -> Call[Requeued]:
        as_text(fingerprint, "fingerprint", 64)
        if not fingerprint.isalnum():
            raise InvalidRequestError(
                f"fingerprint must be letters and digits, not {fingerprint!r}", field="fingerprint"
            )
        who = self._who(by, reason)
        word = Word(f"client {who}", reason)
        said = {"reason": reason, "by": who, "rate": rate, "limit": limit}
        return Call(
            lambda local: local.requeuer.requeue_alike(fingerprint, word, rate=rate, limit=limit),
            lambda: Request(f"/v1/dlq/groups/{fingerprint}/requeue", "POST", body=encode(said, "request")),
            Requeued.from_dict,
        )

    def _who(self, by: str | None, reason: str) -> str:
        as_text(reason, "reason", 500, may_be_empty=True)
        return self._initiator if by is None else as_text(by, "by", 255)


def _all(letters: list[dict[str, Any]]) -> list[DeadLetter]:
    return [DeadLetter.from_dict(letter) for letter in letters]


def _page(limit: int, offset: int = 0) -> None:
    if not 1 <= limit <= LARGEST_PAGE:
        raise InvalidRequestError(f"limit must lie between 1 and {LARGEST_PAGE:,}, not {limit}", field="limit")
    if offset < 0:
        raise InvalidRequestError(f"offset must not be negative, not {offset}", field="offset")


def _query(wanted: Mapping[str, str | None]) -> dict[str, str]:
    names = {"status": "resolution_status", "reason": "dlq_reason"}
    return {names.get(key, key): value for key, value in wanted.items() if value is not None}
