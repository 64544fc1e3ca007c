"""Signing in with an API key or a token, and out again."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response
from starlette.datastructures import Headers

from tasker_core.dashboard import forms
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit, go
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.failure import AuthFailure, KeysUnavailableError
from tasker_core.server.auth.principal import NOBODY
from tasker_core.server.auth.session import COOKIE, SIGN_IN, SIGN_OUT, kept, session_of

router = pages()

LONGEST = 3_900
"""Characters of a credential that a cookie can hold."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the page shows."""

    next: str
    problem: str = ""


@router.get(SIGN_IN)
async def sign_in_page(request: Request, next: str = "/") -> Response:
    """The form that asks for a key or a token."""
    visit = Visit(request)
    return await visit.page("sign_in.html", lambda: SignIn(next), section="sign_in")


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Keep a credential in a cookie, if it is one."""
    visit = Visit(request)
    fields = await forms.read_form(request)
    credential, to = fields.get("credential", "").strip(), fields.get("next", "/")
    problem = await _problem(request.app.state.access, credential)
    if problem:
        return await visit.page("sign_in.html", lambda: SignIn(to, problem), section="sign_in", status=401)
    response = go(to)
    forms.keep(response, request, COOKIE, kept(credential))
    return response


@router.post(SIGN_OUT)
async def sign_out(request: Request) -> Response:
    """Forget the credential."""
    await forms.read_form(request)
    response = go(SIGN_IN)
    response.delete_cookie(COOKIE, path="/")
    return response


async def _problem(access: Access, credential: str) -> str:
    """Why ``credential`` doesn't do; "" if it does."""
    if access.authenticator is None:
        return "" if credential else "This server asks nobody who they are: there is nothing to sign in to."
    if not credential:
        return "Give an API key or a token."
    if len(credential) > LONGEST:
        return f"A token of more than {LONGEST:,} characters doesn't fit into a cookie."
    header = access.authenticator.api_key_header
    packed = Headers({"cookie": f"{COOKIE}={kept(credential)}"})
    session = session_of(packed, "GET", "/", header)
    try:
        caller = NOBODY if session is None else await access.authenticator.identify(session)
    except (AuthFailure, KeysUnavailableError) as failure:
        return f"That doesn't do: {failure}."
    return "" if caller is not NOBODY else "That is neither an API key nor a token."
