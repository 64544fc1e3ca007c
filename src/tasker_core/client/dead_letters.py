"""What the clients offer to those who look into dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasker_core.client.dead_letter_calls import DeadLetterCalls
from tasker_core.types.dead_letters import DeadLetter, DeadLetterGroup, DeadLetterStats, Requeued, StandingTask

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp, Http
    from tasker_core.client.local import Local
    from tasker_core.client.threads import Threads


class Burying:
    """Methods of ``TaskerClient``. ``reason`` says why and ``by`` who (else the client's ``initiator``)."""

    _door: Local | Http
    _dead_letters: DeadLetterCalls

    def list_dead_letters(
        self, *, status: str | None = None, reason: str | None = None, fingerprint: str | None = None,
        namespace: str | None = None, limit: int = 50, offset: int = 0,
    ) -> list[DeadLetter]:  # fmt: skip
        """The newest dead letters, those that match where something is given; without their snapshots."""
        return self._door.do(self._dead_letters.newest(_wanted(status, reason, fingerprint, namespace), limit, offset))

    def dead_letter_groups(
        self,
        *,
        status: str | None = "pending",
        reason: str | None = None,
        namespace: str | None = None,
        limit: int = 50,
    ) -> list[DeadLetterGroup]:
        """Dead letters by fault, the largest group first: the same error in a thousand tasks is one of them."""
        return self._door.do(self._dead_letters.groups(_wanted(status, reason, None, namespace), limit))

    def get_dead_letter(self, dlq_entry_uuid: str) -> DeadLetter:
        """One dead letter with its snapshot. Raises DeadLetterNotFoundError."""
        return self._door.do(self._dead_letters.get(dlq_entry_uuid))

    def dead_letter_of_task(self, task_uuid: str) -> DeadLetter:
        """The latest dead letter of a task, with its snapshot. Raises TaskNotFoundError, DeadLetterNotFoundError."""
        return self._door.do(self._dead_letters.of_task(task_uuid))

    def investigation_queue(self, *, limit: int = 100) -> list[DeadLetter]:
        """The pending dead letters, the most urgent first: by their reason, and by how long they wait."""
        return self._door.do(self._dead_letters.queue(limit))

    def dead_letter_stats(self) -> list[DeadLetterStats]:
        """Per reason: how many of each status, and how long a resolution took on average."""
        return self._door.do(self._dead_letters.stats())

    def standing_tasks(self, *, limit: int = 100) -> list[StandingTask]:
        """Unfinished tasks that have something to run, those first that moved the longest ago, and how near each is to
        the limit that it will exceed first."""
        return self._door.do(self._dead_letters.staleness(limit))

    def resolve_dead_letter(
        self, dlq_entry_uuid: str, status: str = "manually_resolved", *, notes: str | None = None,
        metadata: Mapping[str, Any] | None = None, by: str | None = None,
    ) -> DeadLetter:  # fmt: skip
        """Write down what became of a dead letter: ``manually_resolved``, ``permanently_failed``, ``cancelled``, or
        ``pending`` again. It moves no task. Raises DeadLetterNotFoundError, TaskStateError."""
        return self._door.do(self._dead_letters.update(dlq_entry_uuid, status, notes, metadata, by))

    def send_to_dead_letters(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> DeadLetter:
        """Write a dead letter about a task by hand, for somebody to look at; it moves no task.

        Raises TaskNotFoundError, TaskStateError for a task that has one pending.
        """
        return self._door.do(self._dead_letters.send(task_uuid, reason, by))

    def requeue_dead_letter(self, dlq_entry_uuid: str, reason: str = "", *, by: str | None = None) -> DeadLetter:
        """Have the failed steps of its task run again, and what was cancelled when that ended; it is resolved by it.

        Raises DeadLetterNotFoundError, TaskStateError for one that isn't pending, and where nothing could run again.
        """
        return self._door.do(self._dead_letters.requeue(dlq_entry_uuid, reason, by))

    def requeue_dead_letters(
        self, fingerprint: str, reason: str = "", *, rate: float | None = None, limit: int = 1_000,
        by: str | None = None,
    ) -> Requeued:  # fmt: skip
        """The same for the pending ones of one fault, at most ``limit`` of them, the oldest first.

        With ``rate`` so many tasks a second run again: each is given its time, and this returns at once. Ask again
        while some ``remaining`` and some were ``requeued``. Raises DeadLetterNotFoundError, InvalidRequestError.
        """
        return self._door.do(self._dead_letters.requeue_group(fingerprint, rate, limit, reason, by))


class AsyncBurying:
    """The same for an event loop; see ``Burying``."""

    _door: Threads | AsyncHttp
    _dead_letters: DeadLetterCalls

    async def list_dead_letters(
        self, *, status: str | None = None, reason: str | None = None, fingerprint: str | None = None,
        namespace: str | None = None, limit: int = 50, offset: int = 0,
    ) -> list[DeadLetter]:  # fmt: skip
        """See ``TaskerClient.list_dead_letters``."""
        wanted = _wanted(status, reason, fingerprint, namespace)
        return await self._door.do(self._dead_letters.newest(wanted, limit, offset))

    async def dead_letter_groups(
        self,
        *,
        status: str | None = "pending",
        reason: str | None = None,
        namespace: str | None = None,
        limit: int = 50,
    ) -> list[DeadLetterGroup]:
        """See ``TaskerClient.dead_letter_groups``."""
        return await self._door.do(self._dead_letters.groups(_wanted(status, reason, None, namespace), limit))

    async def get_dead_letter(self, dlq_entry_uuid: str) -> DeadLetter:
        """See ``TaskerClient.get_dead_letter``."""
        return await self._door.do(self._dead_letters.get(dlq_entry_uuid))

    async def dead_letter_of_task(self, task_uuid: str) -> DeadLetter:
        """See ``TaskerClient.dead_letter_of_task``."""
        return await self._door.do(self._dead_letters.of_task(task_uuid))

    async def investigation_queue(self, *, limit: int = 100) -> list[DeadLetter]:
        """See ``TaskerClient.investigation_queue``."""
        return await self._door.do(self._dead_letters.queue(limit))

    async def dead_letter_stats(self) -> list[DeadLetterStats]:
        """See ``TaskerClient.dead_letter_stats``."""
        return await self._door.do(self._dead_letters.stats())

    async def standing_tasks(self, *, limit: int = 100) -> list[StandingTask]:
        """See ``TaskerClient.standing_tasks``."""
        return await self._door.do(self._dead_letters.staleness(limit))

    async def resolve_dead_letter(
        self, dlq_entry_uuid: str, status: str = "manually_resolved", *, notes: str | None = None,
        metadata: Mapping[str, Any] | None = None, by: str | None = None,
    ) -> DeadLetter:  # fmt: skip
        """See ``TaskerClient.resolve_dead_letter``."""
        return await self._door.do(self._dead_letters.update(dlq_entry_uuid, status, notes, metadata, by))

    async def send_to_dead_letters(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> DeadLetter:
        """See ``TaskerClient.send_to_dead_letters``."""
        return await self._door.do(self._dead_letters.send(task_uuid, reason, by))

    async def requeue_dead_letter(self, dlq_entry_uuid: str, reason: str = "", *, by: str | None = None) -> DeadLetter:
        """See ``TaskerClient.requeue_dead_letter``."""
        return await self._door.do(self._dead_letters.requeue(dlq_entry_uuid, reason, by))

    async def requeue_dead_letters(
        self, fingerprint: str, reason: str = "", *, rate: float | None = None, limit: int = 1_000,
        by: str | None = None,
    ) -> Requeued:  # fmt: skip
        """See ``TaskerClient.requeue_dead_letters``."""
        return await self._door.do(self._dead_letters.requeue_group(fingerprint, rate, limit, reason, by))


def _wanted(
    status: str | None, reason: str | None, fingerprint: str | None, namespace: str | None
) -> dict[str, str | None]:
    return {"status": status, "reason": reason, "fingerprint": fingerprint, "namespace": namespace}
