"""Who reads the pages without a browser: follows links, fills forms, and sees what stands in them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx


@dataclass(frozen=True)
class Form:
    """A form of a page, with what its fields hold."""

    action: str
    fields: dict[str, str]


class Page(HTMLParser):
    """A page as it came: its text, its links, its forms, and what a strict policy would refuse in it."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.answer, self.status = answer, answer.status_code
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.inline: list[str] = []
        self.elsewhere: list[str] = []
        self._area: str | None = None
        self.feed(answer.text)
        self.close()

    @property
    def text(self) -> str:
        """What a person reads, white space folded."""
        bare = re.sub(r"(?s)<[^>]*>", " ", self.answer.text)
        return re.sub(r"\s+", " ", html.unescape(bare))

    def form(self, part: str, **holding: str) -> Form:
        """The form whose action ends with ``part`` and whose fields hold these values."""
        found = [
            form for form in self.forms
            if form.action.endswith(part) and all(form.fields.get(name) == value for name, value in holding.items())
        ]  # fmt: skip
        assert found, f"no form {part} {holding} among {[form.action for form in self.forms]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [f"<{tag} {name}>" for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(f"<{tag}>")
        for name in ("src", "href", "action"):
            if given.get(name, "").startswith(("http:", "https:", "//")):
                self.elsewhere.append(given[name])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), {}))
        elif tag in ("input", "select") and self.forms and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "textarea" and self.forms and "name" in given:
            self._area = given["name"]
            self.forms[-1].fields[self._area] = ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None


class Reader:
    """Keeps its cookies, and follows where it is sent."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def open(self, path: str, status: int = 200) -> Page:
        page = Page(self.http.get(path, follow_redirects=True))
        assert page.status == status, f"{path}: {page.status} {page.text[-400:]}"
        return page

    def send(self, form: Form, **fields: str) -> Page:
        """Send a form as a browser does; the page on which that ends."""
        origin = str(self.http.base_url).rstrip("/")
        answer = self.http.post(form.action, data={**form.fields, **fields}, headers={"Origin": origin})
        return Page(self.http.get(answer.headers["location"]) if answer.status_code == 303 else answer)

    def sign_in(self, credential: str) -> Page:
        return self.send(self.open("/sign-in").form("/sign-in"), credential=credential)
