"""YAML text -> plain data that remembers its lines.

Values are read as YAML 1.2 defines them, so ``on``, ``no``, ``2024-01-01`` and ``1:30`` are texts. Whatever JSON can't
hold (other tags, infinity, keys that aren't text) is a finding, as is a key given twice. Nothing here recurses: depth
and size are bounded before anything else looks at the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

import yaml

from tasker_core.rules.findings import Findings, Path, found
from tasker_core.rules.template_scalars import NotJson, scalar_value, unknown_tag
from tasker_core.rules.template_syntax import explain_syntax

DEEPEST = 100
MOST_VALUES = 1_000_000

Lines: TypeAlias = dict[int, dict[str | int, int]]
"""For each mapping or list (by ``id``): the line of each of its entries."""

_NO_KEY: Final = "\0no key\0"
_MERGE: Final = "\0merge\0"
_FAST: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Parsed:
    """The data of a text, and the lines of its parts; ``other_names`` are keys to look under where one isn't there."""

    def __init__(self, data: Any, lines: Lines, other_names: Mapping[str, str]) -> None:
        self.data = data
        self._lines = lines
        self._other_names = other_names

    def line_of(self, path: Path) -> int | None:
        """The line of the value at ``path``, or of the nearest enclosing one that is in the text."""
        value, line = self.data, 1
        for part in path:
            entries = self._lines.get(id(value), {})
            if part not in entries:
                part = self._other_names.get(str(part), part)
            if part not in entries:
                break
            line, value = entries[part], value[part]
        return line


class _Open:
    """A mapping or list whose end hasn't come yet."""

    def __init__(self, container: dict[str, Any] | list[Any], anchor: str | None, line: int) -> None:
        self.container = container
        self.anchor = anchor
        self.line = line
        self.lines: dict[str | int, int] = {}
        self.key = _NO_KEY
        self.key_line = 0
        self.size = 1
        self.merged: list[tuple[Any, int]] = []


class _TooMuch(Exception):
    """The text is deeper, larger or longer than a template can be."""


def parse(text: str, findings: Findings, other_names: Mapping[str, str]) -> Parsed | None:
    """The data in ``text``; None if it can't be read to its end, and then ``findings`` say why."""
    reader = _Reader(findings)
    try:
        reader.read(yaml.parse(text, Loader=_FAST))
    except (yaml.YAMLError, ValueError) as error:
        explain_syntax(text, error, findings, after=reader.line)
        return None
    except _TooMuch:
        return None
    return Parsed(reader.data, reader.lines, other_names)


class _Reader:
    """Builds the data from YAML's events."""

    def __init__(self, findings: Findings) -> None:
        self.data: Any = None
        self.lines: Lines = {}
        self.line = 1
        self._findings = findings
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def read(self, events: Iterator[yaml.Event]) -> None:
        for event in events:
            line = self.line = event.start_mark.line + 1 if event.start_mark else 1
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event, line)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._start(event, line)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end()
                case yaml.AliasEvent():
                    self._alias(event, line)
                case yaml.DocumentStartEvent():
                    self._document(line)

    def _document(self, line: int) -> None:
        self._documents += 1
        if self._documents > 1:
            message = "a second document begins here; a file holds one template"
            self._stop("MULTIPLE_DOCUMENTS", message, line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        plain = bool(event.implicit[0])
        if plain and event.value == "<<" and self._expects_key():
            self._take_key(_MERGE, line)
            return
        try:
            value = scalar_value(event.value, event.tag, plain)
        except NotJson as error:
            self._findings.error("NOT_JSON", (), str(error), line)
            value = event.value
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        self._put(value, line, 1)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        if len(self._open) >= DEEPEST:
            self._stop("TOO_DEEP", f"this is nested deeper than {DEEPEST} levels", line)
        if event.tag and event.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"):
            self._findings.error("NOT_JSON", (), unknown_tag(event.tag), line)
        self._open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor, line))

    def _end(self) -> None:
        done = self._open.pop()
        for source, line in done.merged:
            self._merge(done, source, line)
        self.lines[id(done.container)] = done.lines
        if done.anchor:
            self._anchors[done.anchor] = done.container, done.size
        self._put(done.container, done.line, done.size)

    def _alias(self, event: yaml.AliasEvent, line: int) -> None:
        name = cast(str, event.anchor)
        if name in self._anchors:
            value, size = self._anchors[name]
        else:
            value, size = None, 1
            if any(frame.anchor == name for frame in self._open):
                self._findings.error("ANCHOR_IN_ITSELF", (), f"'*{name}' stands inside '&{name}' itself", line)
            else:
                hint = self._findings.did_you_mean(name, self._anchors)
                message = f"'*{name}' refers to an anchor '&{name}' that doesn't come before it{hint}"
                self._findings.error("UNKNOWN_ANCHOR", (), message, line)
        self._put(value, line, size)

    def _put(self, value: Any, line: int, size: int) -> None:
        if not self._open:
            self.data = value
            return
        frame = self._open[-1]
        frame.size += size
        if frame.size > MOST_VALUES:
            self._stop("TOO_LARGE", f"this comes to more than {MOST_VALUES:,} values, aliases written out", line)
        if isinstance(frame.container, list):
            frame.lines[len(frame.container)] = line
            frame.container.append(value)
        elif frame.key is _NO_KEY:
            self._take_key(value, line)
        else:
            if frame.key is _MERGE:
                frame.merged.append((value, frame.key_line))
            else:
                frame.container[frame.key] = value
                frame.lines[frame.key] = frame.key_line
            frame.key = _NO_KEY

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].container, dict) and self._open[-1].key is _NO_KEY

    def _take_key(self, key: Any, line: int) -> None:
        frame = self._open[-1]
        if isinstance(key, dict | list):
            self._findings.error("KEY_NOT_TEXT", (), f"a key must be text; found {found(key)}", line)
            key = f"line {line}"
        elif not isinstance(key, str):
            message = f"a key must be text; found {found(key)}: put it in quotes"
            self._findings.error("KEY_NOT_TEXT", (), message, line)
            key = str(key)
        elif key in frame.lines:
            message = f"the key {key!r} is given twice; it already stands in line {frame.lines[key]}"
            self._findings.error("DUPLICATE_KEY", (), message, line)
        frame.key, frame.key_line = key, line

    def _merge(self, frame: _Open, source: Any, line: int) -> None:
        """What ``<<`` brings in: keys that the mapping doesn't give itself."""
        for mapping in source if isinstance(source, list) else [source]:
            if not isinstance(mapping, dict):
                message = f"'<<' takes a mapping or a list of mappings; found {found(mapping)}"
                self._findings.error("MERGE_NOT_MAPPING", (), message, line)
                continue
            container = cast(dict[str, Any], frame.container)
            for key, value in mapping.items():
                if key not in container:
                    container[key] = value
                    frame.lines[key] = self.lines[id(mapping)][key]

    def _stop(self, code: str, message: str, line: int) -> None:
        self._findings.error(code, (), message, line)
        raise _TooMuch
