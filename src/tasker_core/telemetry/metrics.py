"""Every figure that is published: its name, what it means, its labels. ``docs/reference/metrics.md`` lists the same.

The names are OpenTelemetry's; Prometheus sees them with underscores, durations with ``_seconds`` at the end.
"""

from __future__ import annotations

from tasker_core.forks import renew_in_children
from tasker_core.telemetry.measures import Count, Durations, Figure, begin_anew

TRANSACTION = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
HANDLER = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)
TASK = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0)

# Where tasks are created and results settled: a server, an application with a client, a worker on the database.

TASK_REQUESTS = Count(
    "tasker.tasks.requests.total", "Tasks asked for, those that existed already included.", ("namespace", "task_type")
)
TASK_COMPLETIONS = Count("tasker.tasks.completions.total", "Tasks that became complete.", ("namespace", "task_type"))
TASK_FAILURES = Count(
    "tasker.tasks.failures.total", "Times that a task came to a stand, blocked by a failed step.",
    ("namespace", "task_type"),
)  # fmt: skip
TASK_TRANSITIONS = Count("tasker.task.state_transitions.total", "States that tasks moved into.", ("to_state",))
TASK_INITIALIZATION = Durations(
    "tasker.task.initialization.duration", "A call that creates tasks, commit included.", TRANSACTION
)
TASK_DURATION = Durations(
    "tasker.task.completion_duration", "From the creation of a task until it is complete.", TASK,
    ("namespace", "task_type"),
)  # fmt: skip
RESULTS_PROCESSED = Count(
    "tasker.steps.results_processed.total",
    "Ended attempts that were settled: how they ended, and the state that their step went to.",
    ("result_type", "to_state"),
)
SETTLE_DURATION = Durations(
    "tasker.step_result.processing.duration", "One transaction that settles results and claims on.", TRANSACTION
)
CLAIM_DURATION = Durations("tasker.step.claim.duration", "A claim of its own, beside those of settling.", TRANSACTION)
DLQ_ENTRIES = Count("tasker.dlq.entries_created.total", "Dead letters written.", ("reason",))
TIME_IN_QUEUE = Durations(
    "tasker.dlq.time_in_queue", "From the writing of a dead letter until somebody resolved it.", TASK, ("reason",)
)
STALENESS_RUNS = Count("tasker.staleness.detection_runs.total", "Slices of unfinished work that were looked through.")
STALENESS_DURATION = Durations("tasker.staleness.detection.duration", "One of these looks.", TRANSACTION)
STALENESS_DETECTED = Count(
    "tasker.staleness.tasks_detected.total", "Times that a task was found to stand still for longer than it may.",
    ("namespace", "task_type"),
)  # fmt: skip
STALENESS_FAILED = Count(
    "tasker.staleness.tasks_transitioned_to_error.total", "Tasks that were ended for that.", ("namespace", "task_type")
)

EVENTS_PUBLISHED = Count("tasker.domain_events.published.total", "Domain events that settlements published.", ("mode",))
EVENTS_FAILED = Count(
    "tasker.domain_events.failed.total",
    "Warnings about domain events: a payload that doesn't fit its schema, a publisher in trouble.",
    ("reason",),
)

# In a worker.

STEPS_CLAIMED = Count("tasker.steps.claimed.total", "Steps handed to this worker.", ("namespace", "handler"))
STEPS_RETRIED = Count("tasker.steps.retries.total", "Of these, attempts after the first.")
STEP_EXECUTIONS = Figure(
    "tasker.steps.executions.total", "Calls of handlers that have returned or raised.", ("namespace", "handler"),
    "counter",
)  # fmt: skip
STEP_SUCCESSES = Figure(
    "tasker.steps.successes.total", "Of these, results that succeeded.", ("namespace", "handler"), "counter"
)
STEP_FAILURES = Count(
    "tasker.steps.failures.total", "Attempts that this worker reported as failed or timed out.",
    ("namespace", "handler", "error_type"),
)  # fmt: skip
STEP_TIMEOUTS = Count("tasker.steps.timeouts.total", "Of these, attempts that took longer than timeout_seconds.")
STEP_DURATION = Durations(
    "tasker.step.execution.duration",
    "The run of a handler; refused are those whose attempt was over before they returned.",
    HANDLER,
    ("namespace", "handler", "result_type"),
)
RESULTS_SUBMITTED = Count("tasker.steps.results_submitted.total", "Ended attempts that this worker reported.")
SUBMISSION_DURATION = Durations(
    "tasker.step_result.submission.duration", "One report of this worker, until it was answered.", TRANSACTION
)
EVENT_DURATION = Durations(
    "tasker.domain_event.publish.duration",
    "The hooks of the publishers of one attempt, before it is reported.",
    HANDLER,
)
EVENTS_DISPATCHED = Count(
    "tasker.domain_events.dispatched.total",
    "Domain events handed to a subscriber of this process, or to a webhook; those that it failed on have ok=false.",
    ("to", "ok"),
)
EVENTS_DROPPED = Count(
    "tasker.domain_events.dropped.total", "Fast events that a subscriber of this process was too slow to hear."
)
LEASES_LOST = Count("tasker.leases.lost.total", "Leases that this worker lost while it held them.")

COUNTED = (
    TASK_REQUESTS, TASK_COMPLETIONS, TASK_FAILURES, TASK_TRANSITIONS, TASK_INITIALIZATION, TASK_DURATION,
    RESULTS_PROCESSED, SETTLE_DURATION, CLAIM_DURATION, DLQ_ENTRIES, TIME_IN_QUEUE, STALENESS_RUNS, STALENESS_DURATION,
    STALENESS_DETECTED, STALENESS_FAILED, EVENTS_PUBLISHED, EVENTS_FAILED, STEPS_CLAIMED, STEPS_RETRIED, STEP_FAILURES,
    STEP_TIMEOUTS, STEP_DURATION, RESULTS_SUBMITTED, SUBMISSION_DURATION, EVENT_DURATION, EVENTS_DISPATCHED,
    EVENTS_DROPPED, LEASES_LOST,
)  # fmt: skip

# Looked up in the database when they are asked for.

DATABASE_UP = Figure("tasker.database.up", "1 when the database answered, 0 when the figures from it are missing.")
QUEUE_DEPTH = Figure(
    "tasker.queue.depth", "Steps that are ready and wait for a worker, counted up to 10,000.", ("namespace", "handler")
)
QUEUE_AGE = Figure(
    "tasker.queue.oldest_message.age.seconds",
    "Seconds for which a step has been ready: the oldest of the first 10,000 in line.",
    ("namespace", "handler"),
)
STEPS_ACTIVE = Figure("tasker.steps.active_executions", "Steps in progress at any worker, counted up to 10,000.")
STEPS_WAITING = Figure("tasker.steps.waiting_for_retry", "Steps that wait for their next attempt, up to 10,000.")
TASKS_ACTIVE = Figure(
    "tasker.tasks.active", "Unfinished tasks by state, as far as 10,000 steps in each kind of waiting tell.", ("state",)
)
WORKERS_ALIVE = Figure("tasker.workers.alive", "Workers whose heartbeat is believed: live or draining.", ("state",))
DLQ_PENDING = Figure("tasker.dlq.pending_investigations", "Dead letters that nobody has looked into, up to 10,000.")

STEPS_HELD = Figure(
    "tasker.steps.held_by_limit",
    "Of the steps that are ready those that a limit or a breaker alone holds back.",
    ("namespace", "handler", "limit"),
)
BREAKER = Figure(
    "tasker.breaker.not_closed",
    "1; the breaker of this handler is open or half_open.",
    ("namespace", "handler", "state"),
)

LOOKED_UP = (
    DATABASE_UP, QUEUE_DEPTH, QUEUE_AGE, STEPS_ACTIVE, STEPS_WAITING, TASKS_ACTIVE, WORKERS_ALIVE, DLQ_PENDING,
    STEPS_HELD, BREAKER,
)  # fmt: skip

# Of the worker of this process, if it has one.

WORKER_INFO = Figure("tasker.worker.info", "1; which worker this is.", ("worker_id", "version"))
WORKER_UPTIME = Figure("tasker.worker.uptime.seconds", "Seconds since the worker started.")
WORKER_SLOTS = Figure("tasker.worker.slots", "Handlers that the worker runs at once.")
WORKER_HELD = Figure("tasker.worker.leases", "Leases that the worker holds: running, or ready to run.")
WORKER_STUCK = Figure("tasker.worker.stuck_handlers", "Handlers that still run though their attempt is over.")

DERIVED = (STEP_EXECUTIONS, STEP_SUCCESSES)
"""Worked out from STEP_DURATION, so that a step pays for one of them."""

OF_THE_WORKER = (WORKER_INFO, WORKER_UPTIME, WORKER_SLOTS, WORKER_HELD, WORKER_STUCK)


class _Figures:
    """A child counts its own work, not its parent's once more."""

    def begin_anew(self) -> None:
        begin_anew()
        for measure in COUNTED:
            measure.clear()


_figures = _Figures()
renew_in_children(_figures)
