"""PostgreSQL's errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as sqlstate
from psycopg_pool import PoolTimeout

from tasker_core.errors import (
    StoreDataError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
    StoreVersionError,
)

PASSING = (
    "starting up", "shutting down", "in recovery mode", "not yet accepting", "too many clients", "too many connections",
    "connection slots are reserved", "terminating connection",
)  # fmt: skip
"""What a server says that will let us in later."""


class TryAgain(StoreUnavailableError):
    """The database chose this transaction as a victim; nothing of it was kept."""


@contextmanager
def said_plainly(name: str) -> Iterator[None]:
    """Turn psycopg's errors into ours, with what to do about them; a password is never among what is said."""
    try:
        yield
    except (sqlstate.DeadlockDetected, sqlstate.SerializationFailure) as error:
        raise TryAgain(f"{name}: {_first_line(error)}") from error
    except sqlstate.DiskFull as error:
        raise StoreFullError(f"{name}: the server's disk is full ({_first_line(error)})") from error
    except (sqlstate.QueryCanceled, sqlstate.LockNotAvailable) as error:
        raise StoreLockedError(f"{name}: {_first_line(error)}; nothing was changed") from error
    except (sqlstate.UndefinedTable, sqlstate.UndefinedColumn, sqlstate.InvalidSchemaName) as error:
        raise StoreVersionError(f"{name}: {_first_line(error)}; run: tasker migrate") from error
    except sqlstate.InsufficientPrivilege as error:
        raise StoreError(f"{name}: {_first_line(error)}; docs/how-to says which rights Tasker needs") from error
    except (psycopg.DataError, psycopg.IntegrityError, UnicodeEncodeError) as error:
        raise StoreDataError(f"{name}: {_first_line(error)}") from error
    except (psycopg.OperationalError, PoolTimeout) as error:
        told = f"{name} can't be reached: {_first_line(error)}"
        raise StoreUnavailableError(told, retryable=_may_pass(str(error))) from error
    except psycopg.Error as error:
        raise StoreError(f"{name}: {_first_line(error)}") from error


def _may_pass(told: str) -> bool:
    """Is the server only away, rather than the address or the login wrong? A refused login has no SQLSTATE here, only
    words; of those of a server that speaks another language than English none is known to pass."""
    if "failed to resolve host" in told:
        return False
    return "FATAL:" not in told or any(words in told for words in PASSING)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
