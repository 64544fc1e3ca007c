"""Domain events: what a business wants to hear of its steps. Publishers make them, subscribers hear them.

>>> class Receipts(BaseSubscriber):
...     heard = []
...
...     @classmethod
...     def subscribes_to(cls):
...         return ["payment.*"]
...
...     def handle(self, event):
...         self.heard.append(f"{event['event_name']}: {event['payload']['payload']['cents']} cents")
>>> with InProcessDomainEventPoller() as poller:
...     receipts = Receipts()
...     receipts.start(poller)
...     paid = PublishContext("payment.processed", StepResult(success=True, result={"cents": 900}))
...     DefaultPublisher().publish(paid)
True
>>> receipts.heard
['payment.processed: 900 cents']

An event is heard in the process that publishes it, whatever its delivery mode. Events that templates declare
(``publishes_events``) aren't published in this release.
"""

from __future__ import annotations

from tasker_core.domain_events.contexts import EventDeclaration, PublishContext, StepEventContext, StepResult
from tasker_core.domain_events.poller import InProcessDomainEventPoller
from tasker_core.domain_events.publisher import BasePublisher, DefaultPublisher
from tasker_core.domain_events.publishers import PublisherRegistry
from tasker_core.domain_events.subscriber import BaseSubscriber
from tasker_core.domain_events.subscribers import SubscriberRegistry

__all__ = [
    "BasePublisher",
    "BaseSubscriber",
    "DefaultPublisher",
    "EventDeclaration",
    "InProcessDomainEventPoller",
    "PublishContext",
    "PublisherRegistry",
    "StepEventContext",
    "StepResult",
    "SubscriberRegistry",
]
