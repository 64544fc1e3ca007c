"""The people who are asked. They answer what lies before them, in their own time, and know nothing of Tasker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from examples.approval_routing.company import Company, Question

A_WHILE = 0.05
"""Seconds between two looks at the desk."""

MINDS: Mapping[str, tuple[str, Callable[[Question], bool]]] = {
    "manager": ("Mona", lambda question: "yacht" not in question.what),
    "finance": ("Finn", lambda question: question.cents <= 2_000_000),
    "security": ("Selma", lambda question: "camera" not in question.what),
}
"""By role: who it is, and what they agree to."""


class People:
    """A ``with`` block in which questions are answered."""

    def __init__(self, company: Company) -> None:
        self._company, self._over = company, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(A_WHILE):
            for role, (name, agrees_to) in MINDS.items():
                for question in self._company.open_questions(role):
                    self._company.answer(question.key, agrees_to(question), name)
