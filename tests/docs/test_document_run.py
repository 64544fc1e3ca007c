"""The runner of documents: what it executes, and what it tells the author of a document that is wrong."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.code_blocks import code_blocks
from tests.support.console import matches

RUNNER = Path(__file__).parents[1] / "support/document_run.py"


def run(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    document = tmp_path / "page.md"
    document.write_text(textwrap.dedent(text))
    directory = tmp_path / "reader"
    directory.mkdir()
    command = [sys.executable, "-P", "-Werror", str(RUNNER), str(document), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def complaint(tmp_path: Path, text: str) -> str:
    ended = run(tmp_path, text)
    assert ended.returncode == 1
    return ended.stderr


def test_blocks_share_a_namespace_a_directory_and_a_terminal(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """\
        # A page

        ```python
        # file: shop/prices.py
        apple = 3
        ```

        ```json file=order.json
        {"apples": 2}
        ```

        1. In a list:

           ```python
           import json
           total = apple * json.load(open("order.json"))["apples"]
           ```

        ```pycon
        >>> total
        6
        ```

        ```console
        $ export GREETING=hello && mkdir -p inner && cd inner
        $ echo "$GREETING from \\
        the terminal"; pwd
        hello from the terminal
        .../reader/inner
        $ python -c 'import sys; sys.exit(sys.prefix != "'$(python -c "import sys; print(sys.prefix)")'")'
        ```

        ```console exit=3
        $ sh -c "echo sorry; exit 3"
        sorry
        ```

        ```python
        print("the end")
        ```
        """,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "the end\n"


def test_a_failing_block_is_named_by_document_and_line(tmp_path: Path) -> None:
    said = complaint(tmp_path, "# Page\n\n```python\nfine = 1\nraise ValueError('wrong')\n```\n")
    assert "page.md:4: " in said
    assert 'page.md", line 5' in said
    assert "ValueError: wrong" in said


def test_a_module_that_fails_is_named_too(tmp_path: Path) -> None:
    assert "page.md:2: " in complaint(tmp_path, "```python\n# file: broken.py\n1 / 0\n```\n")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("```console\n$ echo one\ntwo\n```\n", ["`echo one` should print:", "two", "but printed:", "one"]),
        ("```console\n$ false\n```\n", ["`false` ended with exit code 1, not 0"]),
        ("```console\necho one\n```\n", ["a line '$ ...', not with 'echo one'"]),
        ("```console\n```\n", ["at least one command"]),
        ("```console\n$ make nonsense\n```\n", ["the Makefile has no target 'nonsense'; it has", "test"]),
        ("```console\n$ pip install 'tasker-core[nonsense]'\n```\n", ["tasker-core has no extra 'nonsense'"]),
        ("```console\n$ pip install somebody-else\n```\n", ["this project's distribution is 'tasker-core'"]),
        ("```pycon\n>>> 1 + 1\n3\n```\n", ["Expected:", "3", "Got:", "2"]),
        ("```bash\nls\n```\n", ["a block of bash can't be executed", "not executed: reason"]),
        ("```\nls\n```\n", ["a block of no language can't be executed"]),
        ("```yaml\na: 1\n```\n", ["give it a file name"]),
        ("```yaml file=../outside.yaml\na: 1\n```\n", ["lies outside the document's directory"]),
        ("<!-- not executed: -->\n```bash\nls\n```\n", ["needs a reason"]),
    ],
)
def test_what_it_says_to_the_author(tmp_path: Path, block: str, words: list[str]) -> None:
    said = complaint(tmp_path, block)
    for word in words:
        assert word in said


def test_what_reaches_outside_is_checked_and_not_run(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """\
        ```console
        $ git clone https://example.invalid/somebody/tasker.git
        $ cd tasker
        $ make demo PYTHON=python3.12
        $ make test
        $ pip install tasker-core
        $ python -m pip install 'tasker-core[postgres]'
        ```
        """,
    )
    assert ended.returncode == 0, ended.stderr


def test_what_a_document_marks_is_left_alone(tmp_path: Path) -> None:
    text = "<!-- not executed: needs a\ncluster -->\n\n```bash\nkubectl get pods\n```\n\n```text\n a --> b\n```\n"
    assert run(tmp_path, text).returncode == 0
    marked, drawing = code_blocks(tmp_path / "page.md")
    assert (marked.not_executed, marked.line) == ("needs a\ncluster", 5)
    assert (drawing.not_executed, drawing.language) == (None, "text")


def test_a_background_command_ends_with_the_document(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """\
        ```console
        $ sh -c 'echo $$ > pid; sleep 0.3; echo listening; exec sleep 60' &
        listening
        $ test -s pid
        ```
        """,
    )
    assert ended.returncode == 0, ended.stderr
    pid = (tmp_path / "reader/pid").read_text().strip()
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or ") Z " in state.read_text()


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a ... d"], "a b c d\n", True),
        (["a ... d"], "a b\nd\n", False),
        (["first", "...", "last"], "first\nsecond\nthird\nlast\n", True),
        (["first", "...", "last"], "first\nlast\n", True),
        (["first", "..."], "first\nand so on\n", True),
        (["(1.5)"], "(1x5)\n", False),
        (["padded"], "padded   \n", True),
        (["one"], "one\ntwo\n", False),
    ],
)
def test_dots_stand_for_anything(shown: list[str], printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
