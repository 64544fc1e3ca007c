"""The templates of a server, as a worker of the same release knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_core.engine import Known
from tasker_core.errors import TemplateError, UnknownTemplateError
from tasker_core.rules.template import Template
from tasker_core.worker.asking import Asking


class RemoteTemplates:
    """Read once each: under its id a content never changes."""

    def __init__(self, server: Asking) -> None:
        self._server = server
        self._known: dict[str, Known] = {}

    def known(self, template: str) -> Known:
        """The template of this id."""
        if template not in self._known:
            self._read({"only": template})
        if template not in self._known:
            raise UnknownTemplateError(f"the server has no template of the id {template}")
        return self._known[template]

    def current(self) -> Sequence[Known]:
        """Those in use."""
        return self._read({})

    def register(self, template: Template) -> Sequence[str]:
        """Register ``template``; the differences for which it was refused, if it was."""
        try:
            self._server.ask("POST", "/v1/templates", template.content())
        except TemplateError as error:
            if not (differences := error.metadata.get("differences")):
                raise
            return tuple(differences)
        return ()

    def _read(self, which: Mapping[str, str]) -> list[Known]:
        said = self._server.ask("GET", "/v1/worker-protocol/templates", query=which)
        for each in said:
            if each["id"] not in self._known:
                template = Template.from_content(each["content"])
                self._known[each["id"]] = Known(each["id"], template, each["environment"], each["enforces_schemas"])
        return [self._known[each["id"]] for each in said]
