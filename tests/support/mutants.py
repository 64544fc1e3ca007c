"""Projects with one mistake in each, of the kinds that people make, and the codes by which each has to be found."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.support.projects import Project

Sites: TypeAlias = Iterator[tuple[str, str]]
"""What stands in the place of a text, and a word for it."""
Kind: TypeAlias = Callable[[str], Sites]


@dataclass(frozen=True)
class Mutant:
    """A project with another ``text`` for one of its files."""

    project: Project
    kind: str
    what: str
    file: str
    text: str
    codes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.project.name} {self.kind} {self.file}: {self.what}"


def slip(word: str) -> str:
    """A slip of the fingers in the middle of a word: two letters change places, or the last one is forgotten.

    >>> slip("validate_cart"), slip("pay")
    ('validaet_cart', 'pa')
    """
    letters = [n for n in range(len(word) // 2, len(word) - 1) if word[n] != word[n + 1] and word[n : n + 2].isalpha()]
    if not letters:
        return word[:-1]
    n = letters[0]
    return word[:n] + word[n + 1] + word[n] + word[n + 2 :]


def mutants(project: Project) -> list[Mutant]:
    """Every mutant of a project, in the order of the kinds."""
    found = []
    for kinds, is_fitting in ((TEMPLATE_KINDS, _is_template), (CODE_KINDS, _is_code)):
        for kind, codes in kinds.items():
            for file in project.texts:
                if is_fitting(file):
                    for text, what in kind(project.texts[file]):
                        mutant = Mutant(project, kind.__name__, what, file, text, frozenset(codes))
                        assert text != project.texts[file], mutant
                        found.append(mutant)
    return found


def chosen(all_of_them: Sequence[Mutant], number: int) -> list[Mutant]:
    """``number`` mutants, evenly over the kinds, and of a kind evenly over the projects: the same ones each time."""
    by_kind: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in all_of_them:
        by_kind.setdefault(mutant.kind, {}).setdefault(mutant.project.name, []).append(mutant)
    rows = [_in_turn(list(by_project.values())) for by_project in by_kind.values()]
    return _in_turn(rows)[:number]


def _in_turn(rows: Sequence[Sequence[Mutant]]) -> list[Mutant]:
    longest = max(map(len, rows))
    return [row[n] for n in range(longest) for row in rows if n < len(row)]


def _is_template(file: str) -> bool:
    return file.endswith(".yaml")


def _is_code(file: str) -> bool:
    return not file.endswith(".yaml")


def _each(pattern: str, text: str, change: Callable[[str], str], flags: int = 0) -> Sites:
    """A mutant for each match: its group 1 changed."""
    for match in re.finditer(pattern, text, flags):
        new = change(match[1])
        if new != match[1]:
            yield text[: match.start(1)] + new + text[match.end(1) :], f"{match[1]!r} -> {new!r}"


def _within(block: str, text: str) -> tuple[int, int]:
    """Where the mapping or list under a key of the template stands."""
    match = re.search(rf"^{block}:\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    return (match.start(1), match.end(1)) if match else (0, 0)


def _each_within(block: str, pattern: str, text: str, change: Callable[[str], str]) -> Sites:
    start, end = _within(block, text)
    for new, what in _each(pattern, text[start:end], change):
        yield text[:start] + new + text[end:], what


# -- templates


def handler_misspelled(text: str) -> Sites:
    yield from _each(r"callable: (\w+)", text, slip)


def dependency_misspelled(text: str) -> Sites:
    yield from _each(r"dependencies: \[(?:\w+, )*(\w+)", text, slip)


def dependency_forgotten(text: str) -> Sites:
    yield from _each(r"( +dependencies: \[\w+\]\n)", text, lambda _: "")
    yield from _each(r"(, dependencies: \[\w+\])\}", text, lambda _: "")
    yield from _each(r"dependencies: \[(\w+, )", text, lambda _: "")


def step_renamed_in_one_place(text: str) -> Sites:
    for match in re.finditer(r"- \{?name: (\w+)", text):
        if re.search(rf"dependencies: \[[^\]]*\b{match[1]}\b", text):
            new = f"{match[1]}_v2"
            yield text[: match.start(1)] + new + text[match.end(1) :], f"{match[1]!r} -> {new!r}"


def step_removed(text: str) -> Sites:
    for match in re.finditer(r"^  - \{?name: (\w+)(?:.*\n)(?:    .*\n|\n)*", text, re.MULTILINE):
        rest = text[: match.start()] + text[match.end() :]
        if re.search(rf"dependencies: \[[^\]]*\b{match[1]}\b", rest):
            yield rest, f"no {match[1]}"


def step_copied(text: str) -> Sites:
    for match in re.finditer(r"^  - \{?name: \w+(?:.*\n)(?:    .*\n|\n)*", text, re.MULTILINE):
        yield text[: match.end()] + match[0] + text[match.end() :], "twice"


def circle(text: str) -> Sites:
    names = re.findall(r"^  - \{?name: (\w+)", text, re.MULTILINE)
    yield from _each(r"dependencies: \[(\w+)", text, lambda name: f"{names[-1]}, {name}")


def key_misspelled(text: str) -> Sites:
    keys = "handler|dependencies|retry|timeout_seconds|max_attempts|backoff|input_schema|callable|type"
    start, end = _within("steps", text)
    for new, what in _each(rf"\b({keys}): ", text[start:end], slip):
        yield text[:start] + new + text[end:], what
    yield from _each(r"^(input_schema|namespace_name|version):", text, slip, re.MULTILINE)


def type_forgotten(text: str) -> Sites:
    yield from _each(r"^(    type: \w+\n)", text, lambda _: "", re.MULTILINE)


def type_misspelled(text: str) -> Sites:
    yield from _each(r"^    type: (\w+)", text, slip, re.MULTILINE)


def never_tried(text: str) -> Sites:
    yield from _each(r"max_attempts: (\d+)", text, lambda _: "0")


def number_with_unit(text: str) -> Sites:
    yield from _each(r"timeout_seconds: (\d+)", text, lambda number: f"{number}s")


def word_misspelled(text: str) -> Sites:
    yield from _each(r"backoff: (exponential|linear|fibonacci)", text, slip)


def seconds_for_milliseconds(text: str) -> Sites:
    yield from _each(r"backoff: (?!none)\w+, backoff_base_ms: (\d+)", text, lambda number: f"{number}0000")


def minutes_for_seconds(text: str) -> Sites:
    for changed, what in _each(r"timeout_seconds: (\d+)", text, lambda number: f"{number}000"):
        if "lifecycle:" in text:
            yield changed, what


def version_of_two_numbers(text: str) -> Sites:
    yield from _each(r"^version: (.*)", text, lambda _: "1.0", re.MULTILINE)


def tab(text: str) -> Sites:
    yield from _each(r"\n(    )handler:", text, lambda _: "\t")


def input_type_swapped(text: str) -> Sites:
    yield from _each_within("input_schema", r"type: (string|integer)", text, lambda kind: _OTHER_TYPE[kind])


def input_renamed(text: str) -> Sites:
    yield from _each_within("input_schema", r"\n    (\w+): \{type", text, lambda name: f"the_{name}")


def input_no_longer_required(text: str) -> Sites:
    yield from _each_within("input_schema", r"\n  required: \[(?:\w+, )*?(\w+, )", text, lambda _: "")


def required_misspelled(text: str) -> Sites:
    yield from _each(r"required: \[(?:\w+, )*(\w+)\]", text, slip)


def worker_misspelled(text: str) -> Sites:
    yield from _each(r"worker_template: (\w+)", text, slip)


def setting_misspelled(text: str) -> Sites:
    yield from _each(r"initialization: \{(\w+):", text, slip)


def method_misspelled(text: str) -> Sites:
    yield from _each(r"method: (\w+)", text, slip)


def publisher_misspelled(text: str) -> Sites:
    yield from _each(r"publisher: (\w+)", text, slip)


def event_misspelled(text: str) -> Sites:
    yield from _each(r"      - name: \w+\.(\w+)", text, slip)


def event_field_renamed(text: str) -> Sites:
    yield from _each(r"\n          required: \[(\w+)", text, lambda name: f"{name}_text")


def config_forgotten(text: str) -> Sites:
    yield from _each(r"(      checkpoint_interval: \d+\n)", text, lambda _: "")


_OTHER_TYPE = {"string": "integer", "integer": "string", "int": "str", "str": "int", "bool": "list[str]"}
_HANDLED = {"HANDLER_NOT_FOUND"}
_UNTIED = {
    "DEPENDENCY_NOT_BEFORE", "ORPHAN_STEP", "BATCH_WITHOUT_ANALYZER", "BATCH_WITHOUT_WORKER", "NOTHING_TO_DECIDE",
    "BRANCH_UNKNOWN", "NOTHING_TO_CONVERGE", "BRANCH_UNREACHABLE", "NEVER_CONVERGES", "RESULT_FIELD_MISSING",
}  # fmt: skip

TEMPLATE_KINDS: dict[Kind, set[str]] = {
    handler_misspelled: _HANDLED,
    dependency_misspelled: {"MISSING_DEP_REF"},
    dependency_forgotten: _UNTIED,
    step_renamed_in_one_place: {"MISSING_DEP_REF"},
    step_removed: {"MISSING_DEP_REF"},
    step_copied: {"DUPLICATE_STEP_NAME"},
    circle: {"CYCLE_DETECTED", "SELF_DEPENDENCY"},
    key_misspelled: {"UNKNOWN_KEY", "MISSING_KEY"},
    type_forgotten: {"DECISION_IGNORED", "NEVER_CONVERGES", "BATCH_WITHOUT_ANALYZER", "BATCH_WITHOUT_WORKER"},
    type_misspelled: {"UNKNOWN_STEP_TYPE"},
    never_tried: {"NO_ATTEMPTS"},
    number_with_unit: {"WRONG_TYPE"},
    word_misspelled: {"BAD_VALUE"},
    seconds_for_milliseconds: {"BACKOFF_ABOVE_MAXIMUM", "UNUSUAL_VALUE"},
    minutes_for_seconds: {"TIMEOUT_BEYOND_LIFECYCLE"},
    version_of_two_numbers: {"WRONG_TYPE", "BAD_VERSION"},
    tab: {"YAML_SYNTAX"},
    input_type_swapped: {"INPUT_TYPE"},
    input_renamed: {"INPUT_FIELD_MISSING", "INPUT_UNKNOWN", "REQUIRED_UNKNOWN"},
    input_no_longer_required: {"INPUT_MAY_BE_MISSING"},
    required_misspelled: {"REQUIRED_UNKNOWN", "RESULT_SCHEMA_MISMATCH"},
    worker_misspelled: {"UNKNOWN_WORKER"},
    setting_misspelled: {"SETTING_UNKNOWN"},
    method_misspelled: {"METHOD_MISSING"},
    publisher_misspelled: {"PUBLISHER_UNKNOWN"},
    event_misspelled: {"EVENT_UNDECLARED"},
    event_field_renamed: {"EVENT_PAYLOAD", "REQUIRED_UNKNOWN"},
    config_forgotten: {"BATCH_CONFIG_MISSING"},
}


# -- code


def name_misspelled(text: str) -> Sites:
    yield from _each(r"^@\w+\(\"(\w+)\"", text, slip, re.MULTILINE)
    yield from _each(r"handler_name = \"(\w+)\"", text, slip)


def wanted_step_misspelled(text: str) -> Sites:
    yield from _each(r"@depends_on\(.*?=\(?\"(\w+)\"", text, slip)
    yield from _each(r"get_dependency_result\(\"(\w+)\"\)", text, slip)


def wanted_step_is_a_later_one(text: str) -> Sites:
    """The result of a step that another handler of the module is named after, and that runs behind this one."""
    steps = re.findall(r"@depends_on\(\w+=\(?\"(\w+)\"", text)
    first = re.search(r"@depends_on\(\w+=\(?\"(\w+)\"", text)
    if first and steps[-1] != steps[0]:
        yield text[: first.start(1)] + steps[-1] + text[first.end(1) :], f"{first[1]!r} -> {steps[-1]!r}"


def parameter_renamed(text: str) -> Sites:
    yield from _each(r"@depends_on\((\w+)=", text, lambda name: f"{name}_result")


def input_misspelled(text: str) -> Sites:
    yield from _each(r"@inputs\((?:\"\w+\", )*\"(\w+)\"", text, slip)
    yield from _each(r"get_input(?:_or)?\(\"(\w+)\"", text, slip)


def field_read_misspelled(text: str) -> Sites:
    yield from _each(r"\b(?:manager|verdict|policy|total|note|billing)\[[\"'](\w+)[\"']\]", text, slip)


def attribute_misspelled(text: str) -> Sites:
    """An attribute of a parameter that is a model."""
    for function in _functions(text):
        typed = {each.arg for each in function.args.args if isinstance(each.annotation, ast.Name)} - {
            "context",
            "api",
            "self",
        }
        plain = {
            each.arg
            for each in function.args.args
            if getattr(each.annotation, "id", "") in ("str", "Any", "StepContext")
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in typed - plain:
                new = slip(node.attr)
                yield _replaced(text, node, f"{node.value.id}.{new}"), f"{node.value.id}.{node.attr} -> {new}"


def returned_key_renamed(text: str) -> Sites:
    """A key of a returned dict that somebody reads."""
    for function in _functions(text):
        for node in ast.walk(function):
            for key in node.keys if isinstance(node, ast.Dict) else ():
                name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
                if name is not None and re.search(rf"\w\[[\"']{name}[\"']\]", text):
                    yield _replaced(text, key, f'"{name}_now"'), f"{function.name}: {name!r}"


def model_field_renamed(text: str) -> Sites:
    """A field of a model that a handler takes as its input, or reads by its name."""
    for model, field in _fields(text):
        name = field.target.id if isinstance(field.target, ast.Name) else ""
        if re.search(rf"@inputs\({model}\)", text) or re.search(rf"\w\.{name}\b", text):
            yield _replaced(text, field.target, f"{name}_new"), f"{model}.{name}"


def input_field_added(text: str) -> Sites:
    """A field that the model of the input needs, and nobody told the template."""
    for model in dict.fromkeys(re.findall(r"@inputs\(([A-Z]\w+)\)", text)):
        match = re.search(rf"class {model}\(BaseModel\):\n(?:    \"\"\".*\"\"\"\n\n)?", text)
        if match:
            yield text[: match.end()] + "    voucher: str\n" + text[match.end() :], f"{model}.voucher"


def input_field_retyped(text: str) -> Sites:
    for model, field in _fields(text):
        kind = field.annotation.id if isinstance(field.annotation, ast.Name) else ""
        if re.search(rf"@inputs\({model}\)", text) and kind in ("str", "int", "bool") and field.value is None:
            yield _replaced(text, field.annotation, _OTHER_TYPE[kind]), f"{model}: {kind}"


def taken_field_retyped(text: str) -> Sites:
    """A field of a model that only takes results."""
    returned = set(re.findall(r"-> (\w+)", text))
    for model, field in _fields(text):
        kind = field.annotation.id if isinstance(field.annotation, ast.Name) else ""
        takes = re.search(rf"@depends_on\(.*\b{model}\)", text)
        converts = re.search(rf"class {model}\(.*\n(?:    .*\n|\n)*?    @field_validator", text)
        if takes and model not in returned and not converts and kind in ("int", "float", "bool", "str"):
            yield _replaced(text, field.annotation, "dict[str, int]"), f"{model}: {kind}"


def branch_misspelled(text: str) -> Sites:
    yield from _each(r"(?:Decision\.route\(|asked \+?= )\[\"(\w+)\"\]", text, slip)
    yield from _each(r"or \[\"(\w+)\"\]", text, slip)
    yield from _each(r"(?:EXPRESS, FREIGHT = |ways \+= \[)\"(\w+)\"", text, slip)


def decorator_of_a_plain_step(text: str) -> Sites:
    yield from _each(r"^@(decision_handler)\(", text, lambda _: "step_handler", re.MULTILINE)


def worker_named_wrongly(text: str) -> Sites:
    yield from _each(r"worker_template(?:_name)?=\"(\w+)\"", text, slip)


def setting_read_wrongly(text: str) -> Sites:
    yield from _each(r"get_config\(\"(\w+)\"\)", text, slip)


def model_forgotten(text: str) -> Sites:
    """``("step", Model)`` becomes ``"step"`` where attributes are read."""
    yield from _each(r"@depends_on\(\w+=(\(\"\w+\", \w+\))\)", text, lambda pair: pair.split(",")[0].lstrip("("))


def other_model(text: str) -> Sites:
    """The model of another step."""
    models = re.findall(r"class (\w+)\(BaseModel\)", text)
    for match in re.finditer(r"@depends_on\(\w+=\(\"\w+\", (\w+)\)\)", text):
        other = next((model for model in models if model != match[1]), None)
        if other is not None:
            yield text[: match.start(1)] + other + text[match.end(1) :], f"{match[1]} -> {other}"


def key_forgotten(text: str) -> Sites:
    yield from _each(r"(\"Idempotency-Key\": context\.idempotency_key)", text, lambda _: '"Accept": "application/json"')


def handler_deleted(text: str) -> Sites:
    for function in _functions(text):
        if function.decorator_list and isinstance(function.decorator_list[0], ast.Call):
            lines = text.splitlines(True)
            first = min(each.lineno for each in function.decorator_list)
            yield "".join(lines[: first - 1] + lines[function.end_lineno or 0 :]), function.name


def import_forgotten(text: str) -> Sites:
    yield from _each(r"^from tasker_core\.step_handler import .*?(, inputs)\b", text, lambda _: "", re.MULTILINE)


def colon_forgotten(text: str) -> Sites:
    yield from _each(r"^def \w+\(.*\)(?: -> .*)?(:)\n", text, lambda _: "", re.MULTILINE)


_BROKEN = {"NOT_IMPORTED"}

CODE_KINDS: dict[Kind, set[str]] = {
    name_misspelled: _HANDLED,
    wanted_step_misspelled: {"DEPENDENCY_UNKNOWN"},
    wanted_step_is_a_later_one: {"DEPENDENCY_NOT_BEFORE", "DEPENDENCY_UNKNOWN"},
    parameter_renamed: _BROKEN,
    input_misspelled: {"INPUT_UNKNOWN", *_BROKEN},
    field_read_misspelled: {"RESULT_FIELD_MISSING"},
    attribute_misspelled: {"ATTRIBUTE_UNKNOWN"},
    returned_key_renamed: {"RESULT_FIELD_MISSING", "RESULT_SCHEMA_MISMATCH"},
    model_field_renamed: {"ATTRIBUTE_UNKNOWN", "INPUT_FIELD_MISSING", "INPUT_UNKNOWN", "RESULT_FIELD_MISSING"},
    input_field_added: {"INPUT_FIELD_MISSING"},
    input_field_retyped: {"INPUT_TYPE"},
    taken_field_retyped: {"RESULT_TYPE"},
    branch_misspelled: {"BRANCH_UNKNOWN"},
    decorator_of_a_plain_step: {"NOT_A_DECISION"},
    worker_named_wrongly: {"UNKNOWN_WORKER"},
    setting_read_wrongly: {"SETTING_UNKNOWN"},
    model_forgotten: {"ATTRIBUTE_UNKNOWN"},
    other_model: {"RESULT_FIELD_MISSING", "ATTRIBUTE_UNKNOWN"},
    key_forgotten: {"KEY_UNUSED"},
    handler_deleted: _HANDLED,
    import_forgotten: _BROKEN,
    colon_forgotten: _BROKEN,
}


def _functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _fields(text: str) -> Iterator[tuple[str, ast.AnnAssign]]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "BaseModel" for base in node.bases):
            for field in node.body:
                if isinstance(field, ast.AnnAssign):
                    yield node.name, field


def _replaced(text: str, node: Any, new: str) -> str:
    lines = text.splitlines(True)
    line = lines[node.lineno - 1]
    assert node.lineno == node.end_lineno
    lines[node.lineno - 1] = line[: node.col_offset] + new + line[node.end_col_offset :]
    return "".join(lines)
