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
    at_once_in_children(work)


def at_once_in_children(*works: Callable[[], object]) -> None:
    """Do each of ``works`` in a forked child of its own, all at once; AssertionError when one fails or hangs."""
    children = []
    for work in works:
        if (child := fork()) == 0:
            code = 1
            try:
                work()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * len(works), "a child failed; see its traceback above"
