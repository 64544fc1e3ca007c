"""The subscribers of this process."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, TypeVar

from tasker_core.domain_events.poller import InProcessDomainEventPoller
from tasker_core.domain_events.subscriber import BaseSubscriber

S = TypeVar("S", bound=BaseSubscriber)


class SubscriberRegistry:
    """Subscribers that are started and stopped together. Classes are made into instances when they are started."""

    _instance: ClassVar[SubscriberRegistry | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._classes: list[type[BaseSubscriber]] = []
        self._instances: list[BaseSubscriber] = []

    @classmethod
    def instance(cls) -> SubscriberRegistry:
        """The registry of this process."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    @classmethod
    def reset(cls) -> None:
        """Stop the subscribers of this process and forget them; the next :meth:`instance` is an empty one."""
        with cls._instance_lock:
            registry, cls._instance = cls._instance, None
        if registry is not None:
            registry.stop_all()

    def register(self, subscriber_class: type[S]) -> type[S]:
        """Have a class started with the others, without arguments; also a decorator. One that is there is left alone.

        Raises:
            ValueError: it isn't a subclass of BaseSubscriber.
        """
        if not (isinstance(subscriber_class, type) and issubclass(subscriber_class, BaseSubscriber)):
            raise ValueError(f"a subscriber is a class derived from BaseSubscriber, not {subscriber_class!r}")
        if subscriber_class not in self._classes:
            self._classes.append(subscriber_class)
        return subscriber_class

    def register_instance(self, subscriber: BaseSubscriber) -> None:
        """Have a subscriber of your own making started with the others."""
        if subscriber not in self._instances:
            self._instances.append(subscriber)

    def start_all(self, poller: InProcessDomainEventPoller) -> int:
        """Start all subscribers on ``poller``; how many are active then. Those with a ``durable_name`` aren't started:
        the worker delivers to them."""
        for subscriber in self._made():
            if not subscriber.durable_name:
                subscriber.start(poller)
        return self.active_count

    def durable(self) -> list[BaseSubscriber]:
        """The subscribers with a ``durable_name``."""
        return [subscriber for subscriber in self._made() if subscriber.durable_name]

    def hears_this_process(self) -> bool:
        """Whether there are subscribers without a ``durable_name``, which hear events of this process."""
        classes = {*self._classes, *(type(subscriber) for subscriber in self._instances)}
        return any(not cls.durable_name for cls in classes)

    def _made(self) -> list[BaseSubscriber]:
        made = {type(subscriber) for subscriber in self._instances}
        self._instances += [cls() for cls in self._classes if cls not in made]
        return self._instances

    def stop_all(self) -> None:
        """Stop all subscribers."""
        for subscriber in self._instances:
            subscriber.stop()

    def list_registered(self) -> list[str]:
        """The names of the classes, sorted."""
        classes = {*self._classes, *(type(subscriber) for subscriber in self._instances)}
        return sorted(cls.__name__ for cls in classes)

    @property
    def active_count(self) -> int:
        """How many subscribers hear events."""
        return sum(subscriber.active for subscriber in self._instances)

    @property
    def stats(self) -> dict[str, Any]:
        """``registered``, ``active``, and the patterns of each active subscriber under ``subscriptions``."""
        active = [subscriber for subscriber in self._instances if subscriber.active]
        return {
            "registered": len(self.list_registered()),
            "active": len(active),
            "subscriptions": {type(subscriber).__name__: subscriber.subscriptions for subscriber in active},
        }

    def clear(self) -> None:
        """Stop all subscribers and forget them."""
        self.stop_all()
        self._classes.clear()
        self._instances.clear()
