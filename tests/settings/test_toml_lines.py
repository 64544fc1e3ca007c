"""The lines of a file's keys, checked against Python's own reader."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.settings.layers import Place
from tasker_core.settings.toml_lines import lines_of

TRICKY = '''\
# [not.a.table] = 1
title = "a = 1 # no comment"
"quoted.key" = 'x'
a.b . c = 1  # dotted

[ spaced . "out" ]
long = """
[not.a.table]
x = 1
\\""" still
"""
literal = \'\'\'
y = 2\'\'\'
list = [ # comment ] with a bracket
  "]", [1,
  2], {z = "}"},
]
inline = {p = 1, q = [1, 2]}
after = 1

[[people]]
name = "Ann"
[people.address]
street = "x"
[[people]]
name = "Bo"
[[people.pets]]
kind = "cat"
[[people.pets]]
kind = "dog"
'''


def test_a_tricky_file() -> None:
    assert lines_of(TRICKY) == {
        ("title",): 2,
        ("quoted.key",): 3,
        ("a", "b", "c"): 4,
        ("spaced", "out"): 6,
        ("spaced", "out", "long"): 7,
        ("spaced", "out", "literal"): 12,
        ("spaced", "out", "list"): 14,
        ("spaced", "out", "inline"): 18,
        ("spaced", "out", "after"): 19,
        ("people", 0): 21,
        ("people", 0, "name"): 22,
        ("people", 0, "address"): 23,
        ("people", 0, "address", "street"): 24,
        ("people", 1): 25,
        ("people", 1, "name"): 26,
        ("people", 1, "pets", 0): 27,
        ("people", 1, "pets", 0, "kind"): 28,
        ("people", 1, "pets", 1): 29,
        ("people", 1, "pets", 1, "kind"): 30,
    }


def test_windows_line_ends() -> None:
    assert lines_of("a = 1\r\n[b]\r\nc = 2\r\n") == {("a",): 1, ("b",): 2, ("b", "c"): 3}


values = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(
        ['"x # y"', "'[t]'", '"""\n[t]\nk = 1\n"""', "'''\nk = 2'''", "[\n 1, # ]\n 2\n]", "{a = 1}", "true"]
    ),
)
keys = st.sampled_from(["a", "b-c", '"q.r"', "'l'", "n1"])


@given(st.lists(st.tuples(keys, values, st.sampled_from(["", "\n", "# [c]\n"])), unique_by=lambda entry: entry[0]))
def test_every_key_is_found_where_it_stands(entries: list[tuple[str, str, str]]) -> None:
    text = "[table]\n"
    wanted: dict[Place, int] = {("table",): 1}
    for key, value, blank in entries:
        text += blank
        wanted["table", key.strip("\"'")] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    assert lines_of(text) == wanted
    table: dict[str, Any] = tomllib.loads(text)["table"]
    assert len(table) == len(entries)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "[a]"])
def test_little(text: str) -> None:
    assert lines_of(text) == ({("a",): 1} if text == "[a]" else {})
