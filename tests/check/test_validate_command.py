"""The check as a command: formats, places, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasker_core.check.codes import CODES
from tests.support.projects import ROOT
from tests.support.workshop import tasker

PARCELS = ROOT / "tests/support/parcels"
HANDLERS = ("--handlers", "tests.support.parcels.handlers")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The parcels with two mistakes: an error and a warning."""
    text = (PARCELS / "parcel.yaml").read_text()
    text = text.replace("dependencies: [note]", "dependencies: [weigh]").replace("max_attempts: 3", "max_attempts: 0")
    file = tmp_path / "parcel.yaml"
    file.write_text(text)
    return file


def line_of(file: Path, words: str) -> int:
    (found,) = [number for number, line in enumerate(file.read_text().splitlines(), 1) if words in line]
    return found


def test_a_project_that_is_right(tmp_path: Path) -> None:
    said = tasker("template", "validate", PARCELS, *HANDLERS, "--strict")
    assert said.code == 0 and f"{PARCELS / 'parcel.yaml'}: ok: parcels/parcel 1.0.0" in said.out


def test_text_names_both_places(broken: Path) -> None:
    said = tasker("template", "validate", broken, *HANDLERS)
    code = line_of(PARCELS / "handlers.py", 'note = context.get_dependency_result("note")')
    yaml = line_of(broken, "method: archive") + 1
    assert said.code == 1
    assert (
        f"{broken}:{yaml}: error DEPENDENCY_NOT_BEFORE: handler 'parcels_notes' of step 'archive' takes the result of "
        "'note', which doesn't run before it: it would get None; add 'note' to the dependencies of 'archive', or of a "
        "step before it"
    ) in said.out
    assert f"tests/support/parcels/handlers.py:{code})" in said.out and "warning NO_ATTEMPTS" in said.out


def test_strict_lets_no_warning_pass(broken: Path) -> None:
    broken.write_text(broken.read_text().replace("callable: parcels_notes, method: archive", "callable: parcels_notes"))
    assert tasker("template", "validate", broken, *HANDLERS).code == 0
    said = tasker("template", "validate", broken, *HANDLERS, "--strict")
    assert said.code == 1 and f"{broken}: 1 warning, and --strict allows none" in said.out


def test_json_holds_the_same(broken: Path) -> None:
    said = tasker("template", "validate", broken, *HANDLERS, "--format", "json")
    (file,) = json.loads(said.out)
    assert said.code == 1 and not file["valid"] and file["name"] == "parcels/parcel 1.0.0"
    (error,) = [finding for finding in file["findings"] if finding["level"] == "error"]
    assert error["code"] == "DEPENDENCY_NOT_BEFORE" and error["path"] == "steps[8].dependencies"
    assert error["suggestion"] == "add 'note' to the dependencies of 'archive', or of a step before it"
    assert error["code_place"]["file"].endswith("tests/support/parcels/handlers.py")
    assert tasker("template", "validate", broken, *HANDLERS, "--json").out == said.out


def test_sarif_is_as_its_standard_has_it(broken: Path) -> None:
    said = tasker("template", "validate", broken, *HANDLERS, "--format", "sarif")
    log = json.loads(said.out)
    assert said.code == 1 and log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules: list[dict[str, Any]] = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "tasker"
    assert len({rule["id"] for rule in rules}) == len(rules) and {rule["id"] for rule in rules} <= CODES.keys()
    for rule in rules:
        assert rule["shortDescription"]["text"] and rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note") and result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == broken.as_uri()
        assert location["physicalLocation"]["region"]["startLine"] >= 1
    (error,) = [result for result in run["results"] if result["level"] == "error"]
    (related,) = error["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"].endswith("parcels/handlers.py")
    assert related["physicalLocation"]["region"]["startLine"] > 1


def test_a_fingerprint_outlasts_lines_that_move(broken: Path) -> None:
    def fingerprints() -> list[str]:
        log = json.loads(tasker("template", "validate", broken, *HANDLERS, "--format", "sarif").out)
        return sorted(result["partialFingerprints"]["taskerFinding/v1"] for result in log["runs"][0]["results"])

    before = fingerprints()
    assert len(set(before)) == len(before)
    broken.write_text("# one more line\n" + broken.read_text())
    assert fingerprints() == before


def test_a_module_that_cannot_be_imported_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "crates").mkdir()
    (tmp_path / "crates/__init__.py").write_text("")
    (tmp_path / "crates/pack.py").write_text("import tasker_core\n\n\nraise RuntimeError('no licence')\n")
    file = tmp_path / "pack.yaml"
    file.write_text(
        "{name: pack, namespace_name: crates, version: 1.0.0, steps: [{name: pack, handler: {callable: crates_pack}}]}"
    )
    said = tasker("template", "validate", file, "--handlers", "crates", cwd=tmp_path)
    assert said.code == 1 and "Traceback" not in said.err
    assert "crates/pack.py:4: error NOT_IMPORTED: module crates.pack can't be imported" in said.out
    assert "RuntimeError: no licence" in said.out and "error HANDLER_NOT_FOUND" in said.out
    (module, _) = json.loads(tasker("template", "validate", file, "--handlers", "crates", "--json", cwd=tmp_path).out)
    assert module["name"] is None and module["file"].endswith("crates/pack.py") and not module["valid"]


def test_two_files_of_one_template(tmp_path: Path) -> None:
    text = (PARCELS / "bookings.yaml").read_text()
    (tmp_path / "one.yaml").write_text(text)
    (tmp_path / "two.yaml").write_text(text)
    assert tasker("template", "validate", tmp_path, *HANDLERS).code == 0
    (tmp_path / "two.yaml").write_text(text.replace("parallelism: 4", "parallelism: 5"))
    said = tasker("template", "validate", tmp_path, *HANDLERS)
    assert said.code == 1 and "two.yaml:1: error DUPLICATE_TEMPLATE" in said.out


def test_a_new_project_passes(tmp_path: Path) -> None:
    assert tasker("init", "crate_shop", cwd=tmp_path).code == 0
    project = tmp_path / "crate_shop"
    said = tasker("template", "validate", "config/tasks", "--handlers", "crate_shop.handlers", "--strict", cwd=project)
    assert said.code == 0 and "ok: crate_shop/" in said.out
