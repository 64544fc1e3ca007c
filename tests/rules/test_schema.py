"""JSON Schemas: what fits, what is said of what doesn't, and that nothing is fetched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tasker_core.rules.schema import LONGEST_TEXT, MOST_VIOLATIONS, InvalidSchema, Schema, check
from tasker_core.words import Violation

ORDER = {
    "type": "object",
    "required": ["sku"],
    "properties": {
        "sku": {"type": "string", "minLength": 1},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"quantity": {"minimum": 1}}}},
        "a/b~c": {"type": "null"},
    },
}


def test_what_fits_has_no_violations() -> None:
    assert Schema(ORDER).violations({"sku": "tea", "lines": [{"quantity": 2}], "more": True}) == ()


def test_each_violation_says_where_by_json_pointer() -> None:
    violations = Schema(ORDER).violations({"lines": [{"quantity": 1}, {"quantity": 0}], "a/b~c": 1})
    assert set(violations) == {
        Violation("", '"sku" is a required property'),
        Violation("/lines/1/quantity", "the value is less than the minimum of 1"),
        Violation("/a~1b~0c", 'the value is not of type "null"'),
    }


def test_a_message_never_repeats_the_payload() -> None:
    schema = Schema({"properties": {"token": {"type": "integer", "enum": [1]}}, "not": {"required": ["token"]}})
    violations = schema.violations({"token": "tok_secret"})
    assert len(violations) == 3 and "tok_secret" not in str(violations)


def test_violations_are_bounded_in_number_and_length() -> None:
    many = Schema({"items": {"type": "string"}}).violations([1] * 10_000)
    assert len(many) == MOST_VIOLATIONS
    (deep,) = Schema({"additionalProperties": {"type": "string"}}).violations({"k" * 10_000: 1})
    (wide,) = Schema({"properties": {"a": True}, "additionalProperties": False}).violations({"k" * 10_000: 1})
    assert len(deep.path) == LONGEST_TEXT and len(wide.message) == LONGEST_TEXT


def test_format_is_a_remark_in_every_draft() -> None:
    for draft in ("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"):
        schema = Schema({"$schema": draft, "properties": {"email": {"format": "email"}}})
        assert schema.violations({"email": "none"}) == ()


def test_the_draft_that_a_schema_names_is_the_one_it_means() -> None:
    tuple_of_draft_7 = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
    assert [str(v) for v in Schema(tuple_of_draft_7).violations([1])] == ['/0: the value is not of type "string"']


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"not": {"$ref": "#"}}, {"anyOf": [{"$ref": "#"}, {"type": "null"}]}],
)
def test_a_schema_that_refers_to_itself_ends(schema: dict[str, Any]) -> None:
    assert len(Schema(schema).violations({"a": 1})) <= MOST_VIOLATIONS


def test_a_pattern_can_not_be_made_to_take_for_ever() -> None:
    for pattern in (r"^(a+)+$", r"^(a+)+\1$"):
        assert Schema({"pattern": pattern}).violations("a" * 200 + "!")


def test_half_of_a_surrogate_pair_is_a_violation_where_it_is_looked_at() -> None:
    (violation,) = Schema({"properties": {"name": {"type": "integer"}}}).violations({"name": "\ud800"})
    assert violation.path == "" and violation.message.startswith("can't be checked: ")


def test_a_payload_as_deep_as_is_kept_can_be_checked() -> None:
    payload: Any = "end"
    for _ in range(100):
        payload = {"next": payload}
    chain = Schema({"anyOf": [{"type": "object", "properties": {"next": {"$ref": "#"}}}, {"const": "end"}]})
    assert chain.violations(payload) == ()


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server's address, and the paths that it was asked for."""
    paths: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef", "$schema"])
def test_nothing_is_ever_fetched(asked: tuple[str, list[str]], key: str) -> None:
    address, paths = asked
    for use in (check, Schema):
        with pytest.raises(
            InvalidSchema, match=r"nothing is fetched from elsewhere|names no draft that is known"
        ) as no:
            use({"properties": {"a": {"type": "string"}}, key: f"{address}/schema.json"})
        assert no.value.path == (key,)
    with pytest.raises(InvalidSchema):
        check({"$id": f"{address}/here.json", "properties": {"a": {"$ref": "there.json#/money"}}})
    with pytest.raises(InvalidSchema):
        check({"$ref": "file:///etc/hostname"})
    assert paths == []
