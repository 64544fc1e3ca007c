"""``tasker generate``: what it makes stands in ``tests/doors/generated``, where it is linted, typed and run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tasker_core.generating.samples import sample
from tests.doors.generated import TEMPLATES, made
from tests.support.workshop import Workshop, tasker

PARCEL = next(file for file in TEMPLATES if file.stem == "parcel")
RUFF = Path(sys.executable).with_name("ruff")


def test_what_is_made_is_what_is_linted_typed_and_run() -> None:
    for file, text in made().items():
        assert file.read_text("utf-8") == text, "run python -m tests.doors.generated"


def test_it_is_formatted_and_passes_the_rules_of_ruff(tmp_path: Path) -> None:
    done = tasker("generate", "scaffold", PARCEL, "-o", tmp_path)
    assert done.code == 0 and [line.rpartition("/")[2] for line in done.out.splitlines()] == [
        "parcel_types.py", "parcel_handlers.py", "test_parcel.py",
    ]  # fmt: skip
    for command in (["format", "--check"], ["check", "--extend-select=I,UP,B,SIM,RUF,PT,C4"]):
        subprocess.run([RUFF, *command, "--isolated", "--no-cache", "--line-length=120", "."], cwd=tmp_path, check=True)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    file = tmp_path / "types.py"
    assert tasker("generate", "types", PARCEL, "-o", file).out == f"wrote {file}\n"
    file.write_text("mine")
    again = tasker("generate", "types", PARCEL, "-o", file)
    assert again.code == 2 and f"{file} is there already; --force overwrites it" in again.err
    assert file.read_text() == "mine"
    told = json.loads(tasker("generate", "types", PARCEL, "-o", file, "--force", "--json").out)
    assert told == {"wrote": [str(file)]} and "class PriceResult(" in file.read_text()


def test_one_step_and_a_test_beside_it(tmp_path: Path) -> None:
    done = tasker("generate", "handler", PARCEL, "--step", "tell", "--types", "app.models", "--json")
    code = json.loads(done.out)["code"]
    assert code.count("@step_handler") == 1 and "from app.models import ByAirResult, ByRoadResult," in code
    odd = tasker("generate", "handler", PARCEL, "--step", "tel")
    assert odd.code == 2 and "has no step 'tel'; did you mean 'tell'?" in odd.err
    file = tmp_path / "handlers.py"
    assert tasker("generate", "handler", PARCEL, "-o", file, "--with-tests").code == 0
    assert '["handlers"]' in (tmp_path / "test_handlers.py").read_text()


def test_a_registered_template(workshop: Workshop) -> None:
    workshop.client.register_template(PARCEL)
    from_store = tasker("generate", "types", "generated/parcel", url=workshop.url)
    assert from_store.out == tasker("generate", "types", PARCEL).out
    foreign = tasker("generate", "types", PARCEL, "--language", "ruby")
    assert foreign.code == 2 and "python, the only one" in foreign.err


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, "ABC"),
        ({"type": "string", "maxLength": 3}, "exa"),
        ({"type": "string", "minLength": 9}, "exampleex"),
        ({"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5}, 5),
        ({"type": "number", "maximum": -2}, -2.0),
        ({"type": ["null", "string"]}, None),
        ({"enum": ["b", "a"]}, "b"),
        ({"oneOf": [{"type": "boolean"}]}, True),
        ({"type": "array", "minItems": 2, "items": {"const": 7}}, [7, 7]),
        ({"type": "object", "required": ["a"], "properties": {"a": {"examples": ["x"]}, "b": {}}}, {"a": "x"}),
    ],
)
def test_examples_fit_their_schema(schema: dict[str, Any], value: Any) -> None:
    assert sample(schema) == value
    assert jsonschema_rs.is_valid(schema, value)
