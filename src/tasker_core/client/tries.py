"""Asking again: when, how often, and what is said when it was no use."""

from __future__ import annotations

import random
import time
from typing import Any

import httpx

from tasker_core.client.answers import ONCE_MORE, data_of, seconds_asked_for
from tasker_core.client.call import Request
from tasker_core.errors import ClientError, InvalidRequestError, ServerError

FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 0.2, 3.0, 5.0
"""Seconds before the first repetition, by how much each next pause is longer, and where that ends."""


class Tries:
    """The tries of one request to the server at ``url``: at most ``1 + retries``, within ``timeout`` seconds."""

    def __init__(self, request: Request, url: str, timeout: float, retries: int) -> None:
        self._request, self._url = request, url
        self._retries = 0 if request.once else retries
        self._began = time.monotonic()
        self._deadline = self._began + timeout
        self._count = 1

    @property
    def seconds_left(self) -> float:
        return max(0.001, self._deadline - time.monotonic())

    def pause_after(self, outcome: httpx.Response | httpx.HTTPError) -> float | None:
        """For how many seconds to wait before the next try; None where ``outcome`` is the last word."""
        if not _says_not_now(outcome):
            return None
        longest = min(FIRST_PAUSE * GROWTH ** (self._count - 1), LONGEST_PAUSE)
        pause = max(random.uniform(longest / 2, longest), _asked_for(outcome))
        if self._count > self._retries or time.monotonic() + pause >= self._deadline:
            return None
        self._count += 1
        return pause

    def answer(self, outcome: httpx.Response | httpx.HTTPError) -> Any:
        """The data of the last word. Raises ClientError where it isn't a good one."""
        if isinstance(outcome, httpx.UnsupportedProtocol):
            raise InvalidRequestError(f"url must be the URL of a server: {outcome}", field="url") from outcome
        if isinstance(outcome, httpx.HTTPError):
            raise ServerError(self._unanswered(outcome)) from outcome
        try:
            return data_of(outcome, self._url)
        except ClientError as error:
            if self._count > 1 and self._request.is_done is not None and self._request.is_done(error):
                return None
            raise

    def _unanswered(self, error: httpx.HTTPError) -> str:
        seconds = time.monotonic() - self._began
        tried = f"tried {self._count} times in {seconds:.1f} s" if self._count > 1 else f"after {seconds:.1f} s"
        why = f"{str(error) or type(error).__name__} ({tried})"
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return f"{self._url} can't be reached: {why}"
        done = "" if self._request.method == "GET" else "; what was asked may have been done, and may be asked again"
        return f"{self._url} didn't answer: {why}{done}"


def _says_not_now(outcome: httpx.Response | httpx.HTTPError) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in ONCE_MORE
    return isinstance(outcome, httpx.TransportError) and not isinstance(outcome, httpx.UnsupportedProtocol)


def _asked_for(outcome: httpx.Response | httpx.HTTPError) -> float:
    return (seconds_asked_for(outcome) or 0.0) if isinstance(outcome, httpx.Response) else 0.0
