"""Effects in the outside world: is what may run twice told apart by its idempotency key?"""

from __future__ import annotations

from tasker_core.check.flows import Flow


def check_effects(flow: Flow) -> None:
    """Report steps that may run again and send, without their key, a request that isn't safe to repeat."""
    for code, handler in flow.coded():
        body, policy = handler.body, code.step.retry_policy
        if body is None or body.unsafe_call is None or body.touches_key or body.gives_context_away:
            continue
        if not policy.retryable or policy.max_attempts < 2:
            continue
        message = (
            f"{code.what} may run {policy.max_attempts:,} times, and its handler {handler.name!r} sends a request that "
            "isn't safe to repeat, without context.idempotency_key"
        )
        right = (
            'send it along, as headers={"Idempotency-Key": context.idempotency_key}, or write retry: {retryable: false}'
        )
        path = (*code.path, "retry") if code.step.retry is not None else (*code.path, "handler")
        flow.findings.add("warning", "KEY_UNUSED", path, message, right, body.unsafe_call)
