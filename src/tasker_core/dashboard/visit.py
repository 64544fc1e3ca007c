"""One request for a page: who asks, what they may see, and the page that they get."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from tasker_core.dashboard import forms, telling
from tasker_core.dashboard.assets import asset_url
from tasker_core.engine import Engine
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.gate import CALLER
from tasker_core.server.auth.mask import SEES_EVERYTHING
from tasker_core.server.auth.principal import ANYONE, NOBODY, Principal
from tasker_core.server.auth.session import SIGN_IN, cookies_of
from tasker_core.server.callers import demand
from tasker_core.server.core import core_of
from tasker_core.version import VERSION

V = TypeVar("V")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LIVE = "X-Live"
"""A request with this header renews what stands on the page: it isn't the one that an action's outcome waits for."""
THEMES = ("light", "dark")


class Visit:
    """What the pages are made with: reads go through ``see``, so that none can show what its reader may not see."""

    def __init__(self, request: Request) -> None:
        self.request, self.core = request, core_of(request)
        access: Access = request.app.state.access
        self._access = access
        caller = request.scope["state"].get(CALLER)
        self.principal = caller if isinstance(caller, Principal) else NOBODY
        self.cookies = cookies_of(request.headers)
        self.secret = forms.secret_of(request) or forms.new_secret()

    @property
    def engine(self) -> Engine:
        return self.core.engine

    def may(self, permission: str) -> bool:
        return self.principal.may(permission)

    def demand(self, permission: str) -> None:
        """Raises ApiError for who lacks it: for what only some requests of a page need."""
        demand(self.request, self.principal, permission)

    def see(self, view: V) -> V:
        """What an engine's verb answered, as this visitor may see it."""
        shown: V = view if self.may(SEES_EVERYTHING) else self._access.masked(view)
        return shown

    async def call(self, verb: Callable[[], V]) -> V:
        """What ``verb`` returns, called in a thread."""
        return await self.core.call(verb)

    async def page(self, template: str, model: Callable[[], Any], *, section: str, status: int = 200) -> Response:
        """The page that ``template`` makes of what ``model`` returns; both in a thread."""
        text = await self.core.call(lambda: self.render(template, model(), section))
        return self._answer(text, status)

    def render(self, template: str, model: Any, section: str) -> str:
        said = None if LIVE in self.request.headers else forms.remembered(self.cookies)
        theme = self.cookies.get("tasker_theme", "")
        return environment().get_template(template).render(
            page=model, visit=self, section=section, said=said, token=forms.token_of(self.secret),
            theme=theme if theme in THEMES else "", version=VERSION, path=self.path, sign_in=SIGN_IN,
        )  # fmt: skip

    @property
    def path(self) -> str:
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def is_open(self) -> bool:
        """Whether this server asks nobody who they are."""
        return self.principal is ANYONE

    def answer(self, text: str, status: int) -> Response:
        return self._answer(text, status)

    def _answer(self, text: str, status: int) -> Response:
        response = HTMLResponse(text, status, HEADERS)
        if forms.secret_of(self.request) is None:
            forms.keep(response, self.request, forms.FORM_COOKIE, self.secret)
        if LIVE not in self.request.headers and forms.SAID_COOKIE in self.cookies:
            response.delete_cookie(forms.SAID_COOKIE, path="/")
        return response

    def done(self, to: str, text: str) -> Response:
        """After an action: to the page ``to``, which says what was done."""
        return self._after(to, forms.Said("done", text))

    def refused(self, to: str, text: str) -> Response:
        return self._after(to, forms.Said("refused", text))

    def _after(self, to: str, said: forms.Said) -> Response:
        response = go(to)
        forms.remember(response, self.request, said)
        return response


def go(to: str) -> Response:
    """To a page of this server: a path, never another site's."""
    if not to.startswith("/") or to.startswith(("//", "/\\")):
        to = "/"
    return RedirectResponse(quote(to, safe="/?&=:%+,@.~-_#"), 303)


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tasker_core.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(telling.FILTERS)
    made.globals.update(telling.GLOBALS, asset=asset_url)
    return made
