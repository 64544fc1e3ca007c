"""The templates that tasks are made from: registered by content, looked up by name, kept compiled by id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tasker_core.clock import SECOND, Clock, Ids
from tasker_core.engine.known import Known
from tasker_core.errors import InvalidRequestError, TemplateError, UnknownTemplateError
from tasker_core.forks import renew_in_children
from tasker_core.rules import semver, spelling
from tasker_core.rules.payload import decode, encode
from tasker_core.rules.template import Template
from tasker_core.rules.template_diff import difference
from tasker_core.store import Store
from tasker_core.store.rows import TemplateRow
from tasker_core.store.templates import NewTemplate
from tasker_core.words import Micros

DEFAULT_NAMESPACE = "default"
DEFAULT_VERSION = "1.0.0"
CHOICE_HOLDS: Micros = SECOND
"""How long a choice among versions and namespaces is believed: others may register newer ones."""


@dataclass(frozen=True)
class Registered:
    """What became of a registration: ``new`` content, ``replaced`` earlier content, or refused with ``difference``."""

    known: Known
    new: bool
    replaced: bool = False
    refused: tuple[str, ...] = ()


class Catalog:
    """The templates of one store, as they are in ``environment``.

    With ``enforce_schemas`` each is taken to say ``schema_validation: enforce``.
    """

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, *, environment: str = "", enforce_schemas: bool = False
    ) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self._environment, self._enforce_schemas = environment, enforce_schemas
        self.declare: Callable[[Template], object] = lambda _: None
        """Called with a template before it is registered: what it says of all steps of its handlers."""
        self._known: dict[str, Known] = {}
        self._chosen: dict[tuple[str | None, str, str | None], Known] = {}
        self._chosen_at: Micros = 0
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """What is compiled stays good in a child."""
        self._lock = threading.Lock()

    def register(self, template: Template, *, replace: bool) -> Registered:
        """Put ``template`` into the store.

        Other content under a version that is registered already replaces it for new tasks with ``replace``, else it
        is refused, and the answer shows the difference. Running tasks keep the content they started with.
        """
        current = self._store.templates.current(template.name, template.namespace_name, template.version)
        digest = template.digest()
        if current and current[0].digest == digest:
            return Registered(self._compile(current[0]), new=False)
        if current and not replace:
            registered = self._compile(current[0])
            return Registered(registered, new=False, refused=tuple(difference(registered.written, template)))
        new = Known(self._ids.new(), template)
        self.declare(template)
        self._store.templates.register(
            NewTemplate(
                new.id,
                template.namespace_name,
                template.name,
                template.version,
                digest,
                encode(template.content(), "template"),
                new.rows,
                new.edges,
            ),
            self._clock.now(),
            make_current=True,
        )
        self.refresh()
        stored = self._store.templates.current(template.name, template.namespace_name, template.version)
        return Registered(self._compile(stored[0]), new=True, replaced=bool(current))

    def known(self, template_id: str) -> Known:
        """The template of this id."""
        known = self._known.get(template_id)
        if known is None:
            row = self._store.templates.find(template_id)
            if row is None:
                raise UnknownTemplateError(f"the store holds no template of the id {template_id}")
            known = self._compile(row)
        return known

    def current(self) -> list[Known]:
        """The contents that new tasks get, then replaced ones that unfinished tasks run on."""
        return [self._compile(row) for row in self._store.templates.in_use()]

    def registered(self, namespace: str | None = None) -> list[Known]:
        """The contents that new tasks get, of one namespace or all."""
        return [self._compile(row) for row in self._store.templates.current(None, namespace)]

    def find(self, namespace: str, name: str, version: str) -> Known:
        """The content that new tasks of exactly this version, or of the latest, get. Raises UnknownTemplateError."""
        exact = None if version == semver.LATEST else version
        rows = self._store.templates.current(name, namespace, exact)
        if not rows:
            raise UnknownTemplateError(f"there is no template {namespace}/{name} {version}")
        return self._compile(semver.newest(rows, lambda row: row.version))

    def choose(self, name: str, namespace: str | None, version: str | None) -> Known:
        """The template for a new task.

        A name that ``default`` hasn't, or that comes without a namespace, is taken from the one namespace that has it.
        Without a version it is 1.0.0, else the newest; ``latest`` is the newest. Raises UnknownTemplateError, naming
        what is near.
        """
        if self._clock.monotonic() - self._chosen_at > CHOICE_HOLDS:
            self.refresh()
        chosen = self._chosen.get((namespace, name, version))
        if chosen is None:
            chosen = self._look_up(name, namespace, version)
            self._chosen[namespace, name, version] = chosen
        return chosen

    def refresh(self) -> None:
        """Forget which contents are current."""
        self._chosen, self._chosen_at = {}, self._clock.monotonic()

    def _look_up(self, name: str, namespace: str | None, version: str | None) -> Known:
        rows = self._store.templates.current(name)
        own = [row for row in rows if row.namespace == (namespace or DEFAULT_NAMESPACE)]
        if not own and namespace in (None, DEFAULT_NAMESPACE):
            namespaces = sorted({row.namespace for row in rows})
            if len(namespaces) > 1:
                raise InvalidRequestError(
                    f"template {name!r} exists in several namespaces: {', '.join(namespaces)}; give a namespace",
                    field="namespace",
                )
            own = rows
        if not own:
            raise UnknownTemplateError(self._missing(name, namespace, rows))
        if version not in (None, semver.LATEST):
            exact = [row for row in own if row.version == version]
            if not exact:
                versions = ", ".join(sorted((row.version for row in own), key=semver.precedence))
                raise UnknownTemplateError(
                    f"template {own[0].namespace}/{name} has no version {version!r}; registered are {versions}"
                )
            return self._compile(exact[0])
        preferred = [row for row in own if row.version == DEFAULT_VERSION and version is None]
        return self._compile(preferred[0] if preferred else semver.newest(own, lambda row: row.version))

    def _missing(self, name: str, namespace: str | None, rows: list[TemplateRow]) -> str:
        where = f"namespace {namespace!r}" if namespace else "any namespace"
        if rows:
            others = ", ".join(sorted({row.namespace for row in rows}))
            return f"no template {name!r} in {where}; it is registered in {others}"
        names = sorted({f"{row.namespace}/{row.name}" for row in self._store.templates.current()})
        if not names:
            return (
                f"no template {name!r} in {where}: none is registered at all. A worker registers those of its template "
                "directory (TASKER_TEMPLATE_PATH, else config/tasks); or run: tasker template register PATH"
            )
        near = spelling.nearest(name, [entry.split("/")[1] for entry in names])
        hint = f"; did you mean {near!r}?" if near else f"; registered are {', '.join(names[:10])}"
        return f"no template {name!r} in {where}{hint}"

    def _compile(self, row: TemplateRow) -> Known:
        with self._lock:
            known = self._known.get(row.id)
            if known is None:
                try:
                    template = Template.from_content(decode(row.content))
                    enforced = self._enforce_schemas or template.schema_validation == "enforce"
                    known = Known(row.id, template, self._environment, enforced)
                    # Here and not when the first result comes: a schema that another release took may be refused.
                    _ = known.input_schema, known.result_schemas
                except ValueError as error:
                    raise TemplateError(
                        f"template {row.namespace}/{row.name} {row.version} in the store can't be read: {error}"
                    ) from error
                self._known[row.id] = known
            return known
