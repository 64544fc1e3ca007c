"""A step in its handler's own transaction: what the handler wrote and the step's end are committed together."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from tasker_core.engine.settle import Settler
from tasker_core.errors import StoreDataError, StoreError, TransactionError
from tasker_core.rules.refusal import REFUSED
from tasker_core.store.database import Loan
from tasker_core.store.settling import Settlement
from tasker_core.words import Event, Report, StepError, Verdict

TRANSACTION_ERROR = "transaction_error"
"""The error type of a step that succeeded and couldn't be committed together with what its handler wrote."""


class StepTransaction:
    """The transaction on a connection that was lent to the handler of one step. ``tell`` is told of what was settled.

    Whoever is given a StepError by ``settle`` reports that: nothing that the handler wrote was kept, and its step may
    end in any way but completed.
    """

    def __init__(self, loan: Loan, settler: Settler, tell: Callable[[Report, Settlement], None]) -> None:
        self._loan, self._settler, self._tell = loan, settler, tell
        self.connection = loan.connection
        self.events: Sequence[Event] = ()
        """What the settled step published."""

    def settle(self, report: Report, actor: str) -> StepError | None:
        """Settle the step with ``report`` and commit; why that couldn't be, or None where it is done."""
        try:
            with self._loan.join() as access:
                verdict, done = self._settler.settle_within(access, report, actor, self._commit)
        except _CommitError as error:
            # It may have been committed all the same. Then the failure that is reported next comes too late.
            return StepError(f"the transaction of the step couldn't be committed: {error}", TRANSACTION_ERROR)
        except TransactionError as error:
            return StepError(str(error), TRANSACTION_ERROR, retryable=False)
        except StoreDataError as error:
            return StepError(f"the result can't be stored: {error}", REFUSED, retryable=False)
        except StoreError as error:
            return StepError(f"the step couldn't be settled in its transaction: {error}", TRANSACTION_ERROR)
        if done is None:
            return _why(verdict)
        self.events = done.events
        self._tell(report, done)
        return None

    def interrupt(self) -> None:
        """Have a statement of the handler's fail that is running."""
        self._loan.interrupt()

    def end(self) -> None:
        """Undo what wasn't committed, and give the connection back."""
        self._loan.end()

    def _commit(self) -> None:
        try:
            self._loan.commit()
        except StoreError as error:
            raise _CommitError(str(error)) from error


class _CommitError(Exception):
    pass


def _why(verdict: Verdict) -> StepError:
    if verdict.error is None:
        return StepError("the lease was lost before the step's transaction was committed", TRANSACTION_ERROR)
    said = json.loads(verdict.error)
    return StepError(
        said["message"], said["error_type"], said["retryable"], said["error_code"], tuple(said["backtrace"]),
        said["context"],
    )  # fmt: skip
