"""The publishers of this process, by name."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import ClassVar

from tasker_core.domain_events.publisher import BasePublisher, DefaultPublisher
from tasker_core.errors import ConfigurationError


class PublisherRegistry:
    """Names and the publishers that they mean.

    >>> registry = PublisherRegistry()
    >>> registry.get_or_default("payments")
    DefaultPublisher(publisher_name='default')
    """

    _instance: ClassVar[PublisherRegistry | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._publishers: dict[str, BasePublisher] = {}
        self._default = DefaultPublisher()
        self._frozen = False

    @classmethod
    def instance(cls) -> PublisherRegistry:
        """The registry of this process."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    @classmethod
    def reset(cls) -> None:
        """Forget the registry of this process; the next :meth:`instance` is an empty one."""
        with cls._instance_lock:
            cls._instance = None

    def register(self, publisher: BasePublisher, name: str | None = None) -> None:
        """Let ``name``, else the publisher's own, mean ``publisher``.

        Raises:
            ValueError: neither gives a name.
            RuntimeError: the registry is frozen.
        """
        self._check_not_frozen()
        key = name or publisher.publisher_name
        if not key:
            raise ValueError(f"{publisher!r} has no publisher_name: give it one, or register it under a name")
        self._publishers[key] = publisher

    def get(self, name: str) -> BasePublisher | None:
        """The publisher of this name, or None."""
        return self._publishers.get(name)

    def get_or_default(self, name: str | None = None) -> BasePublisher:
        """The publisher of this name, else the one that publishes a step's result as it is."""
        return self._publishers.get(name or "", self._default)

    def validate_required(self, names: Iterable[str]) -> None:
        """Raises ConfigurationError, which names them, when publishers of these names are missing."""
        if missing := sorted({name for name in names if name not in self._publishers}):
            registered = ", ".join(self.list_publishers()) or "none"
            raise ConfigurationError(f"no publisher is registered as {', '.join(missing)}; registered are {registered}")

    def freeze(self) -> None:
        """Let nothing be registered or cleared any more."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Let publishers be registered again."""
        self._frozen = False

    @property
    def is_frozen(self) -> bool:
        """Whether the registry is frozen."""
        return self._frozen

    def list_publishers(self) -> list[str]:
        """All registered names, sorted."""
        return sorted(self._publishers)

    def clear(self) -> None:
        """Forget all publishers. Raises RuntimeError when the registry is frozen."""
        self._check_not_frozen()
        self._publishers.clear()

    def _check_not_frozen(self) -> None:
        if self._frozen:
            raise RuntimeError("the registry of publishers is frozen; call unfreeze() first")
