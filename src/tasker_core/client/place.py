"""Which door a client goes through: a server's, or the store's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasker_core.client.local import Local
from tasker_core.client.threads import Threads
from tasker_core.errors import InvalidRequestError
from tasker_core.settings import load_settings

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp, Http
    from tasker_core.settings.values import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client's tasks are, from its arguments and the settings."""

    settings: Settings
    is_server: bool

    @classmethod
    def of(
        cls,
        url: str | None,
        database_url: str | None,
        *,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
        retries: int | None = None,
    ) -> Place:
        """An argument wins over the settings; among these, a server's URL over the store's.

        Raises InvalidRequestError where both are given as arguments, SettingsError for one that can't be used.
        """
        if url and database_url:
            raise InvalidRequestError("give url (a server) or database_url (the store itself), not both", field="url")
        client = {"url": url or None, "api_key": api_key, "token": token, "timeout": timeout, "retries": retries}
        settings = load_settings({"client": client, "database": {"url": database_url or None}})
        if api_key is not None and token is None and settings.client.token is not None:
            # A token of the environment, which a key that is given outdoes.
            settings = settings.model_copy(update={"client": settings.client.model_copy(update={"token": None})})
        return cls(settings, not database_url and settings.client.url is not None)

    def local(self) -> Local:
        """The store itself, opened."""
        return Local(self.settings.database.store_url)

    def threads(self) -> Threads:
        """The store itself, opened, for callers in an event loop."""
        return Threads(self.local())

    def http(self, subject: str) -> Http:
        from tasker_core.client.http import Http

        return Http(self.settings, subject)

    def async_http(self, subject: str) -> AsyncHttp:
        from tasker_core.client.http import AsyncHttp

        return AsyncHttp(self.settings, subject)
