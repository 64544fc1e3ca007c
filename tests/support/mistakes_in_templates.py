"""Mistakes that people make in templates, and the codes by which each has to be found."""

from __future__ import annotations

import re

from tests.support.mistakes import OTHER_TYPE, Kind, Sites, each, each_within, slip, within


def handler_misspelled(text: str) -> Sites:
    yield from each(r"callable: (\w+)", text, slip)


def dependency_misspelled(text: str) -> Sites:
    yield from each(r"dependencies: \[(?:\w+, )*(\w+)", text, slip)


def dependency_forgotten(text: str) -> Sites:
    yield from each(r"( +dependencies: \[\w+\]\n)", text, lambda _: "")
    yield from each(r"(, dependencies: \[\w+\])\}", text, lambda _: "")
    yield from each(r"dependencies: \[(\w+, )", text, lambda _: "")


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
    yield from each(r"dependencies: \[(\w+)", text, lambda name: f"{names[-1]}, {name}")


def key_misspelled(text: str) -> Sites:
    keys = "handler|dependencies|retry|timeout_seconds|max_attempts|backoff|input_schema|callable|type"
    start, end = within("steps", text)
    for new, what in each(rf"\b({keys}): ", text[start:end], slip):
        yield text[:start] + new + text[end:], what
    yield from each(r"^(input_schema|namespace_name|version):", text, slip, re.MULTILINE)


def type_forgotten(text: str) -> Sites:
    yield from each(r"^(    type: \w+\n)", text, lambda _: "", re.MULTILINE)


def type_misspelled(text: str) -> Sites:
    yield from each(r"^    type: (\w+)", text, slip, re.MULTILINE)


def never_tried(text: str) -> Sites:
    yield from each(r"max_attempts: (\d+)", text, lambda _: "0")


def number_with_unit(text: str) -> Sites:
    yield from each(r"timeout_seconds: (\d+)", text, lambda number: f"{number}s")


def word_misspelled(text: str) -> Sites:
    yield from each(r"backoff: (exponential|linear|fibonacci)", text, slip)


def seconds_for_milliseconds(text: str) -> Sites:
    yield from each(r"backoff: (?!none)\w+, backoff_base_ms: (\d+)", text, lambda number: f"{number}0000")


def minutes_for_seconds(text: str) -> Sites:
    for changed, what in each(r"timeout_seconds: (\d+)", text, lambda number: f"{number}000"):
        if "lifecycle:" in text:
            yield changed, what


def version_of_two_numbers(text: str) -> Sites:
    yield from each(r"^version: (.*)", text, lambda _: "1.0", re.MULTILINE)


def tab(text: str) -> Sites:
    yield from each(r"\n(    )handler:", text, lambda _: "\t")


def input_type_swapped(text: str) -> Sites:
    yield from each_within("input_schema", r"type: (string|integer)", text, lambda kind: OTHER_TYPE[kind])


def input_renamed(text: str) -> Sites:
    yield from each_within("input_schema", r"\n    (\w+): \{type", text, lambda name: f"the_{name}")


def input_no_longer_required(text: str) -> Sites:
    yield from each_within("input_schema", r"\n  required: \[(?:\w+, )*?(\w+, )", text, lambda _: "")


def required_misspelled(text: str) -> Sites:
    yield from each(r"required: \[(?:\w+, )*(\w+)\]", text, slip)


def worker_misspelled(text: str) -> Sites:
    yield from each(r"worker_template: (\w+)", text, slip)


def setting_misspelled(text: str) -> Sites:
    yield from each(r"initialization: \{(\w+):", text, slip)


def method_misspelled(text: str) -> Sites:
    yield from each(r"method: (\w+)", text, slip)


def publisher_misspelled(text: str) -> Sites:
    yield from each(r"publisher: (\w+)", text, slip)


def event_misspelled(text: str) -> Sites:
    yield from each(r"      - name: \w+\.(\w+)", text, slip)


def event_field_renamed(text: str) -> Sites:
    yield from each(r"\n          required: \[(\w+)", text, lambda name: f"{name}_text")


def config_forgotten(text: str) -> Sites:
    yield from each(r"(      checkpoint_interval: \d+\n)", text, lambda _: "")


_UNTIED = {
    "DEPENDENCY_NOT_BEFORE", "ORPHAN_STEP", "BATCH_WITHOUT_ANALYZER", "BATCH_WITHOUT_WORKER", "NOTHING_TO_DECIDE",
    "BRANCH_UNKNOWN", "NOTHING_TO_CONVERGE", "BRANCH_UNREACHABLE", "NEVER_CONVERGES", "RESULT_FIELD_MISSING",
}  # fmt: skip

TEMPLATE_KINDS: dict[Kind, set[str]] = {
    handler_misspelled: {"HANDLER_NOT_FOUND"},
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
