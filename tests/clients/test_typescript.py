"""The TypeScript package: its own tests under Node and Bun, against a real server too, its linter, its types."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.case import cases
from tests.clients.npm import PACKAGE, ROOT, install, node_is_there, run
from tests.support.served import Served, served

SHOP = ROOT / "examples" / "bun-shop"
BUN = SHOP / "node_modules" / ".bin" / "bun"
A_GATEWAY = """declare const gateway: {
  charge(card: string, cents: number, key: string): Promise<{ id: string }>;
};
"""
"""What the README's code leaves to its reader."""
UNDER_BUN = "clock ends restart lost integers unicode checkpoints many"
"""Words of the cases that are played under Bun as well: those in which its own sockets, timers and signals matter."""

pytestmark = [
    # What they build, they build in one place.
    pytest.mark.xdist_group("typescript"),
    pytest.mark.skipif(
        not node_is_there(), reason="THE TYPESCRIPT PACKAGE IS NOT TESTED: there is no Node 20 with npm"
    ),
]


@pytest.fixture(scope="module")
def package() -> Path:
    install(PACKAGE)
    run(PACKAGE, "node_modules/.bin/tsc")
    return PACKAGE


@pytest.fixture
def server(sqlite_url: str) -> Iterator[Served]:
    with served(sqlite_url) as running:
        yield running


def test_its_own_tests(package: Path, server: Served) -> None:
    told = run(package, "npm", "test", TASKER_TEST_SERVER=server.url)
    assert re.search(r"^(#|ℹ) fail 0$", told, re.M)
    assert re.search(r"^(#|ℹ) skipped 0$", told, re.M), told


def test_its_own_tests_under_bun(package: Path, server: Served) -> None:
    install(SHOP)
    told = run(package, str(BUN), "test", "./.build/test", TASKER_TEST_SERVER=server.url)
    assert re.search(r"^ 0 fail$", told, re.M)
    assert " skip" not in told


def test_lint(package: Path) -> None:
    run(package, "npm", "run", "lint")


def test_types(package: Path) -> None:
    run(package, "npm", "run", "types")


def test_the_code_of_its_readme_has_the_right_types(package: Path) -> None:
    run(package, "npm", "run", "build")
    blocks = re.findall(r"^```ts\n(.*?)^```", (package / "README.md").read_text(), re.M | re.S)
    directory = package / ".build" / "readme"
    directory.mkdir(parents=True, exist_ok=True)
    for number, block in enumerate(blocks):
        (directory / f"{number}.ts").write_text(A_GATEWAY + block)
    (directory / "tsconfig.json").write_text(
        '{"extends": "../../tsconfig.json", "compilerOptions": {"rootDir": "."}, "include": ["*.ts"], "exclude": []}'
    )
    assert len(blocks) >= 3
    run(package, "node_modules/.bin/tsc", "--noEmit", "-p", str(directory))


def test_its_worker_passes_the_conformance_cases(package: Path) -> None:
    assert play(package) == len(list(cases("worker")))


def test_its_worker_passes_under_bun(package: Path) -> None:
    install(SHOP)
    assert play(package, "-k", UNDER_BUN, TASKER_CONFORMANCE_RUNTIME=str(BUN)) >= 15


def play(package: Path, *options: str, **environment: str) -> int:
    """How many conformance cases its worker passes; none may fail."""
    driver = [sys.executable, "-m", "protocol", "--quiet", "worker", *options, "--"]
    return int(run(ROOT, *driver, str(package / "conformance" / "run"), **environment).split()[0])


def test_it_needs_nothing_to_run(package: Path) -> None:
    assert "dependencies" not in json.loads((package / "package.json").read_text())


def test_the_answers_have_the_fields_that_the_server_promises(server: Served) -> None:
    promised = server.get("/openapi.json")["components"]["schemas"]
    source = (PACKAGE / "src" / "client" / "responses.ts").read_text()
    declared = dict(re.findall(r"^export interface (\w+) \{\n(.*?)^\}", source, re.M | re.S))
    for name in ("TaskResponse", "StepReadiness", "StepResponse", "StepAuditResponse"):
        fields = set(re.findall(r"^  (\w+)\??:", declared[name], re.M))
        assert fields == promised[name]["properties"].keys(), name
