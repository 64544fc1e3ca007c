"""Templates in the store, kept by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasker_core.store.database import Access, Call, as_json
from tasker_core.store.rows import TemplateRow
from tasker_core.words import JsonText, Micros


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template as it is written: ``steps`` are (no, name, lane, count of parents), ``edges`` (parent, child)."""

    id: str
    namespace: str
    name: str
    version: str
    digest: str
    content: JsonText
    steps: Sequence[tuple[int, str, str, int]]
    edges: Sequence[tuple[int, int]]


class Templates:
    """What can be said about templates."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def register(self, template: NewTemplate, now: Micros, *, make_current: bool) -> None:
        """Keep this content; with ``make_current`` it is what new tasks of this version get."""
        words = {
            "id": template.id, "namespace": template.namespace, "name": template.name, "version": template.version,
            "digest": template.digest, "content": template.content, "now": now,
        }  # fmt: skip
        steps = [{"step": no, "name": name, "lane": lane, "waits": waits} for no, name, lane, waits in template.steps]
        edges = [{"parent_no": parent, "child_no": child} for parent, child in template.edges]
        calls = [
            Call("lock_templates", {}),
            Call("insert_template", words),
            Call("insert_template_steps", {"id": template.id, "steps": as_json(steps)}),
            Call("insert_template_edges", {"id": template.id, "edges": as_json(edges)}),
        ]
        if make_current:
            calls.append(Call("make_current", words))
        self._database.write(*calls)

    def find(self, template: str) -> TemplateRow | None:
        (rows,) = self._database.read(Call("template_by_id", {"id": template}))
        return TemplateRow(*rows[0]) if rows else None

    def current(
        self, name: str | None = None, namespace: str | None = None, version: str | None = None
    ) -> list[TemplateRow]:
        """The contents that new tasks get, those given by name, namespace and version."""
        wanted = {"name": name, "namespace": namespace, "version": version}
        (rows,) = self._database.read(Call("templates_current", wanted))
        return [TemplateRow(*row) for row in rows]

    def in_use(self) -> list[TemplateRow]:
        """The contents that new tasks get, then replaced ones that unfinished tasks run on."""
        (rows,) = self._database.read(Call("templates_in_use", {}))
        return [TemplateRow(*row) for row in rows]

    def mark(self) -> tuple[int, int]:
        """Changes whenever a template is registered."""
        ((row,),) = self._database.read(Call("template_mark", {}))
        return row[0], row[1]
