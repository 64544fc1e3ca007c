"""What is wrong with a user's files, told shortly: the place, the error, the line."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import tasker_core
from tasker_core.errors import TaskerError

_NOT_THEIRS = (str(Path(tasker_core.__file__).parent), "<frozen ", "site-packages", os.path.dirname(os.__file__))


def told(error: BaseException) -> str:
    """``error``, which the import of a user's module or the reading of a template raised.

    >>> try:
    ...     compile("def charge(:\\n    pass", "shop.py", "exec")
    ... except SyntaxError as error:
    ...     print(told(error))
    shop.py:1: SyntaxError: invalid syntax
        def charge(:
    """
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    if isinstance(root, SyntaxError):
        return _with_line(f"{_place(root.filename, root.lineno)}: {type(root).__name__}: {root.msg}", root.text)
    own = [
        frame for frame in traceback.extract_tb(root.__traceback__) if not any(n in frame.filename for n in _NOT_THEIRS)
    ]
    if own:
        said = f"{type(root).__name__}: {root}" if str(root) else type(root).__name__
        return _with_line(f"{_place(own[-1].filename, own[-1].lineno)}: {said}", own[-1].line)
    return str(error) if isinstance(error, TaskerError | OSError) else f"{type(root).__name__}: {root}"


def _place(file: str | None, line: int | None) -> str:
    name = file or "?"
    relative = os.path.relpath(name) if os.path.isabs(name) else name
    return f"{name if relative.startswith('..') else relative}:{line}"


def _with_line(sentence: str, line: str | None) -> str:
    return f"{sentence}\n    {line.strip()}" if line and line.strip() else sentence
