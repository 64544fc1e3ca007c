"""The class form of a handler that calls an HTTP API."""

from __future__ import annotations

from tasker_core.step_handler.base import StepHandler
from tasker_core.step_handler.mixins.api import APIMixin, ApiResponse

__all__ = ["ApiHandler", "ApiResponse"]


class ApiHandler(APIMixin, StepHandler):
    """Calls an HTTP API and turns its answers into results.

    >>> from tasker_core.types import StepContext, StepHandlerResult
    >>> class FetchUser(ApiHandler):
    ...     handler_name = "fetch_user"
    ...     base_url = "https://users.example.org"
    ...
    ...     def call(self, context: StepContext) -> StepHandlerResult:
    ...         response = self.get(f"/users/{context.get_input('user_id')}")
    ...         return self.api_success(response) if response.ok else self.api_failure(response)
    """

    @property
    def capabilities(self) -> list[str]:
        return ["process", "http", "api"]
