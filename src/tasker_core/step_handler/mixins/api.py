"""HTTP calls from a handler, with answers turned into results."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from tasker_core.step_handler.mixins.api_response import ApiResponse
from tasker_core.types import StepHandlerResult

if TYPE_CHECKING:
    import httpx

__all__ = ["APIMixin", "ApiResponse"]


@cache
def _trust() -> ssl.SSLContext:
    """Loading certificates takes tens of milliseconds, and a handler lives for one attempt only: load them once."""
    import httpx

    return httpx.create_ssl_context()


class APIMixin:
    """An HTTP client and the meaning of its answers. Mix it with ``StepHandler``, in either order.

    The methods block, in async handlers too.
    """

    base_url: str = ""
    default_timeout: float = 30.0
    default_headers: Mapping[str, str] = {}

    _client: httpx.Client | None = None

    @property
    def client(self) -> httpx.Client:
        """An ``httpx.Client`` over the class's base URL, timeout (seconds) and headers, made on first use."""
        if self._client is None:
            # Its import costs every start of the command a fifth of a second; few handlers need it.
            import httpx

            self._client = httpx.Client(
                base_url=self.base_url,
                timeout=self.default_timeout,
                headers=dict(self.default_headers),
                verify=_trust(),
            )
        return self._client

    def close(self) -> None:
        """Close the client's connections; the next call opens others."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def get(
        self, path: str, params: Any = None, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> ApiResponse:
        """GET ``path``. Any status is an answer; only transport trouble raises (``httpx.TransportError``)."""
        return self.request("GET", path, params=params, headers=headers, **kwargs)

    def post(
        self, path: str, json: Any = None, data: Any = None, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> ApiResponse:
        """POST to ``path`` a ``json`` body or form ``data``."""
        return self.request("POST", path, json=json, data=data, headers=headers, **kwargs)

    def put(
        self, path: str, json: Any = None, data: Any = None, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> ApiResponse:
        """PUT to ``path`` a ``json`` body or form ``data``."""
        return self.request("PUT", path, json=json, data=data, headers=headers, **kwargs)

    def patch(
        self, path: str, json: Any = None, data: Any = None, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> ApiResponse:
        """PATCH ``path`` with a ``json`` body or form ``data``."""
        return self.request("PATCH", path, json=json, data=data, headers=headers, **kwargs)

    def delete(self, path: str, headers: Mapping[str, str] | None = None, **kwargs: Any) -> ApiResponse:
        """DELETE ``path``."""
        return self.request("DELETE", path, headers=headers, **kwargs)

    def request(self, method: str, path: str, **kwargs: Any) -> ApiResponse:
        """Any request that ``httpx.Client.request`` can make."""
        return ApiResponse(self.client.request(method, path, **kwargs))

    def api_success(
        self, response: ApiResponse, result: Mapping[str, Any] | None = None, include_response: bool = True
    ) -> StepHandlerResult:
        """The call succeeded. Without a ``result`` of your own it is the body, under ``data`` when that is no dict."""
        if result is None:
            result = response.body if isinstance(response.body, dict) else {"data": response.body}
        metadata = {"status_code": response.status_code, "headers": response.headers} if include_response else None
        return StepHandlerResult.success(result, metadata)

    def api_failure(self, response: ApiResponse, message: str | None = None) -> StepHandlerResult:
        """The call failed; its status says as what, and whether to try again."""
        metadata: dict[str, Any] = {"status_code": response.status_code, "headers": response.headers}
        if (seconds := response.retry_after) is not None:
            metadata["retry_after_seconds"] = seconds
        if response.body:
            metadata["response_body"] = response.body
        return StepHandlerResult.failure(
            message or f"HTTP {response.status_code}: {response.detail}",
            response.error_type,
            response.is_retryable,
            metadata,
        )

    def connection_error(self, error: Exception, context: str | None = None) -> StepHandlerResult:
        """The server could not be reached: retryable. ``context`` says during what."""
        return _transport_failure("Connection error", "connection_error", error, context)

    def timeout_error(self, error: Exception, context: str | None = None) -> StepHandlerResult:
        """The server took too long: retryable. ``context`` says during what."""
        return _transport_failure("Request timed out", "timeout", error, context)


def _transport_failure(what: str, error_type: str, error: Exception, context: str | None) -> StepHandlerResult:
    during = f" ({context})" if context else ""
    metadata = {"exception_type": type(error).__name__}
    return StepHandlerResult.failure(f"{what}{during}: {error}", error_type, True, metadata)
