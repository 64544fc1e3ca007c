"""What can be wrong with the place where tasks are kept."""

from __future__ import annotations

from tasker_core.errors.client import ClientError


class StoreError(ClientError):
    """The store could not do its work; the message names the file or server and what would help."""

    retryable = True


class StoreLockedError(StoreError):
    """Another process held the store longer than the busy timeout."""


class StoreCorruptError(StoreError):
    """The file is not a database, or a damaged one."""

    retryable = False


class StoreFullError(StoreError):
    """The disk, or the quota, is full. Nothing of the transaction was stored."""


class StoreVersionError(StoreError):
    """The schema is of another version than this code, or the database is too old."""

    retryable = False


class StoreDataError(StoreError):
    """The database refused a value; nothing of the transaction was stored."""

    retryable = False


class StoreUnavailableError(StoreError):
    """The database can't be reached; what was asked may be asked again.

    ``retryable`` is False where that won't help: no such host, a refused login, a database that doesn't exist.
    """


class ServerError(StoreError):
    """A server of Tasker couldn't be reached, or couldn't do its work. ``retryable`` says whether to ask again.

    What was asked may have been done nevertheless. ``status`` is that of the last answer, if there was one.
    """

    def __init__(self, message: str, *, retryable: bool = True, status: int | None = None) -> None:
        super().__init__(message, retryable=retryable)
        self.status = status


class ServerOverloadedError(ServerError):
    """The server creates no tasks for a while, for too much waits; try again after ``retry_after`` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, status=503)
        self.retry_after = retry_after
