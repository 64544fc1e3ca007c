"""Children of this process."""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable

PATIENCE = 30
"""Seconds after which a child is given up that hangs."""


def fork() -> int:
    """``os.fork``. Python from 3.12 on warns of forks beside threads; servers that preload do it all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
    return child


def in_a_child(work: Callable[[], object]) -> None:
    """Do ``work`` in a forked child; AssertionError when it fails or hangs there."""
    child = fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed; see its traceback above"
