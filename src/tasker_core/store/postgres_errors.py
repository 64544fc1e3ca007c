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
        raise StoreUnavailableError(f"{name} can't be reached: {_first_line(error)}") from error
    except psycopg.Error as error:
        raise StoreError(f"{name}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
