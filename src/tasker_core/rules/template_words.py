"""What each key of a template means, in a line: what an editor shows beside it."""

from __future__ import annotations

from collections.abc import Mapping

_HANDLER = {
    "callable": "The handler's name, or the path of a class or function.",
    "method": "The method that does the work; call where the handler hasn't that one.",
    "resolver": "Asks only the application's own resolver of that name.",
    "initialization": "Settings for the handler: context.get_config(key).",
}

MEANS: Mapping[str, Mapping[str, str]] = {
    "Template": {
        "name": "What tasks are created by: lower-case letters, digits and _.",
        "namespace_name": "Groups templates; workers can serve some namespaces only.",
        "version": 'Semantic version, in quotes: "1.0.0".',
        "description": "For people.",
        "metadata": "For people: author, tags, where the documentation is.",
        "system_dependencies": "The outside systems that the steps use. Kept, not acted on.",
        "domain_events": "The events that the template declares. Kept, not acted on.",
        "input_schema": "JSON Schema of a task's context.",
        "steps": "The steps, in the order in which they are shown.",
        "environments": "What differs where TASKER_ENV says so: environment -> steps.",
        "lifecycle": "How long a task may stand still, and what happens then.",
        "identity_strategy": "What makes two tasks without an idempotency key the same.",
        "identity_window_seconds": "After how many seconds the same task may be created again.",
        "default_context": "What a context has where a new task says nothing else, key by key.",
        "default_options": "Kept, not acted on.",
        "schema_validation": "What becomes of a context or result that doesn't fit: a warning, or a refusal.",
    },
    "StepTemplate": {
        "name": "Unique in the template: letters, digits, _ and -.",
        "description": "For people.",
        "type": "standard; decision chooses branches, deferred_convergence waits for those that there are; batchable "
        "cuts work into pieces, batch_worker is the pattern of what works on one.",
        "handler": "What runs the step.",
        "dependencies": "The steps that must be complete before this one starts.",
        "system_dependency": "The outside system that the step uses. Kept, not acted on.",
        "retry": "When and how often a failed attempt is tried again.",
        "timeout_seconds": "Ends an attempt as a timeout, which may be retried.",
        "max_crashes": "Lost workers in a row that end the step.",
        "publishes_events": "What the step tells other systems when an attempt ends.",
        "batch_config": "How a batch is cut and run; of the batchable step.",
        "result_schema": "JSON Schema of what the handler returns.",
        "composition": "Kept, not acted on.",
        "compensate": "What undoes the step when its task fails for good.",
        "concurrency": "How many steps of this handler run at once, over all workers.",
        "rate": "How many steps of this handler begin in a time: 10/s, 100/min, 5/10s, 1000/h.",
    },
    "HandlerSpec": _HANDLER,
    "HandlerOverride": {"initialization": "Settings that are added to the handler's, or replace them, key by key."},
    "Retry": {
        "retryable": "false: the first failure, timeout or loss ends the step.",
        "max_attempts": "Attempts in all; the first always runs.",
        "backoff": "How the wait grows from attempt to attempt.",
        "backoff_base_ms": "The wait after the first failure, in milliseconds.",
        "max_backoff_ms": "The longest wait, in milliseconds.",
        "jitter": "Spread of each wait, from 0 to 1.",
    },
    "Compensation": {
        "handler": "What undoes the step: a handler, or its name alone.",
        "retry": "How the compensation is retried.",
        "timeout_seconds": "Ends an attempt of it.",
        "max_crashes": "Lost workers in a row that end it.",
    },
    "Concurrency": {
        "limit": "How many run at once in all.",
        "per_key": "How many run at once of those whose contexts have the same value at key.",
        "key": "A path into the context: customer.id.",
    },
    "Metadata": {
        "author": "Who to ask.",
        "tags": "Words to find it by.",
        "documentation_url": "Where more is said.",
        "created_at": "ISO 8601.",
        "updated_at": "ISO 8601.",
    },
    "SystemDependencies": {"primary": "The system that most steps use.", "secondary": "Other systems."},
    "DomainEvent": {
        "name": "Lower-case words joined by dots: payment.processed.",
        "description": "For people.",
        "schema": "JSON Schema of the event's payload.",
    },
    "Publication": {
        "name": "Lower-case words joined by dots: payment.processed.",
        "description": "For people.",
        "schema": "JSON Schema of the event's payload; one that doesn't fit isn't published.",
        "condition": "After which ending it is published.",
        "delivery_mode": "durable: to subscribers, at least once; fast: in the worker's own process; broadcast: both.",
        "publisher": "The publisher of that name in the worker; else the payload is what the handler returned.",
    },
    "Lifecycle": {
        "max_waiting_for_dependencies_minutes": "For how long a task may have nothing to run though nothing failed.",
        "max_waiting_for_retry_minutes": "For how long all that is left may wait for a retry.",
        "max_steps_in_process_minutes": "For how long steps may be ready that no live worker serves.",
        "max_duration_minutes": "How old an unfinished task may become, however well it moves.",
        "staleness_action": "A dead letter and the end as error; the end alone; neither.",
        "auto_fail_on_timeout": "Whether the task ends; else as staleness_action says.",
        "auto_dlq_on_timeout": "Whether a dead letter is written; else as staleness_action says.",
    },
    "BatchConfig": {
        "batch_size": "Advice: the analyzer's handler cuts the pieces.",
        "parallelism": "How many pieces of one batch run at once, over all workers.",
        "cursor_field": "Told to each piece's handler in batch_metadata.",
        "worker_template": "Which batch_worker stands for no work.",
        "failure_strategy": "What the failure of a piece does.",
        "checkpoint_interval": "Told to each piece's handler in batch_metadata.",
    },
    "Environment": {"steps": "What changes of each step."},
    "StepOverride": {
        "name": "A step, or ALL.",
        "handler": "Settings of the handler.",
        "timeout_seconds": "Ends an attempt as a timeout.",
        "retry": "Replaces the whole retry policy.",
    },
}
"""By the name of a block and the key as it is written."""
