"""Times that don't go together: time limits and waits of steps against what ``lifecycle`` lets a task take."""

from __future__ import annotations

from tasker_core.check.flows import Flow, StepCode
from tasker_core.rules.retry import delay_after
from tasker_core.rules.template_blocks import Lifecycle, Retry

MINUTE = 60.0
_COUNTED = 10_000
"""Attempts whose waits are added up; beyond them the longest wait is taken for each."""


def check_timing(flow: Flow) -> None:
    """Report time limits that can't be reached, and waits that make a task stale."""
    limits = flow.template.lifecycle
    for code in flow.steps:
        if code.step.retry is not None:
            _check_retry(flow, code, code.step.retry)
        if limits is not None and code.undoes is None:
            _check_limits(flow, code, limits)


def _check_retry(flow: Flow, code: StepCode, retry: Retry) -> None:
    path = (*code.path, "retry")
    if retry.backoff != "none" and retry.backoff_base_ms > retry.max_backoff_ms:
        message = f"the first wait of {code.what} ({retry.backoff_base_ms:,} ms) is over its longest one"
        right = f"{retry.max_backoff_ms:,} ms is what it waits: raise max_backoff_ms or lower backoff_base_ms"
        flow.findings.add("warning", "BACKOFF_ABOVE_MAXIMUM", (*path, "backoff_base_ms"), message, right)
    if not retry.retryable and "max_attempts" in retry.model_fields_set and retry.max_attempts > 1:
        message = f"{code.what} has {retry.max_attempts:,} attempts and isn't retryable: it runs once"
        flow.findings.add("warning", "RETRY_UNUSED", (*path, "max_attempts"), message, "take one of the two out")


def _check_limits(flow: Flow, code: StepCode, limits: Lifecycle) -> None:
    policy, most, timeout = code.step.retry_policy, limits.max_duration_minutes, code.step.timeout_seconds
    if most is not None and timeout is not None and timeout > most * MINUTE:
        message = f"{code.what} may take {timeout:,g} seconds, and its task {most:,} minutes in all"
        right = "lower timeout_seconds or raise lifecycle.max_duration_minutes"
        flow.findings.add("warning", "TIMEOUT_BEYOND_LIFECYCLE", (*code.path, "timeout_seconds"), message, right)
    if not policy.retryable or policy.max_attempts < 2:
        return
    failures = policy.max_attempts - 1
    longest = delay_after(policy, failures, 0.5) / 1e6
    path = (*code.path, "retry") if code.step.retry is not None else code.path
    waiting = limits.max_waiting_for_retry_minutes
    if waiting is not None and longest > waiting * MINUTE:
        message = (
            f"{code.what} waits {longest:,.0f} seconds for a retry, and after {waiting:,} minutes its task is stale"
        )
        right = "lower max_backoff_ms or raise lifecycle.max_waiting_for_retry_minutes"
        flow.findings.add("warning", "BACKOFF_BEYOND_LIFECYCLE", path, message, right)
    elif most is not None:
        counted = min(failures, _COUNTED)
        waits = sum(delay_after(policy, n, 0.5) for n in range(1, counted + 1)) / 1e6 + (failures - counted) * longest
        if waits > most * MINUTE:
            message = (
                f"the retries of {code.what} wait {waits:,.0f} seconds in all, and its task may take {most:,} minutes"
            )
            right = "lower max_attempts or max_backoff_ms, or raise lifecycle.max_duration_minutes"
            flow.findings.add("warning", "RETRIES_BEYOND_LIFECYCLE", path, message, right)
