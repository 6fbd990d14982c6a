"""What matters about the shape of the source, as tests rather than rules on paper."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "shopkit"
CORE = SOURCE / "core"

MODULES = sorted(SOURCE.rglob("*.py"))
READS_ENVIRONMENT = {"cli/session.py"}
"""Hands the environment to `read_config`, once per command, and to child processes."""
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_the_configuration_looks_at_the_environment() -> None:
    readers = {name_of(path) for path in MODULES if any(_environment(tree_of(path)))}
    assert readers == READS_ENVIRONMENT


def _environment(tree: ast.Module) -> Iterator[ast.AST]:
    names = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os":
            yield node
        if isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names}:
            yield node


def test_modules_say_their_subject() -> None:
    parts = {path: {*path.relative_to(ROOT).with_suffix("").parts} for path in [*MODULES, *ROOT.glob("tests/**/*.py")]}
    assert [path for path, names in parts.items() if names & VAGUE_NAMES] == []


@pytest.mark.parametrize("package", sorted(path.parent.name for path in CORE.glob("*/__init__.py")))
def test_a_domain_begins_with_what_it_owns(package: str) -> None:
    tree = tree_of(CORE / package / "__init__.py")
    assert ast.get_docstring(tree), f"{package}: what does it own, what is always true of it?"
    assert len(tree.body) == 1, f"{package}/__init__.py holds its docstring only"


def test_no_import_hides_in_a_function_of_the_core() -> None:
    hidden = [
        f"{name_of(path)}:{statement.lineno}"
        for path in CORE.rglob("*.py")
        for function in ast.walk(tree_of(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Import | ast.ImportFrom) and not _gives_a_reason(path, statement.lineno)
    ]
    assert hidden == []


def _gives_a_reason(path: Path, line: int) -> bool:
    """Behind `# noqa: PLC0415`, or in a comment above it."""
    lines = ["", *path.read_text().splitlines()]
    is_known, reason = re.search(r"# noqa: PLC0415(\W*\w+)?", lines[line]), lines[line - 1].strip().startswith("#")
    return is_known is not None and (is_known[1] is not None or reason)


def test_nothing_in_the_core_opens_a_transaction_by_itself() -> None:
    """BEGIN and COMMIT belong to `db`; everything else says where a transaction begins by opening a Uow."""
    word = re.compile(r"[\"'](BEGIN|COMMIT|ROLLBACK)\b(?! TO)")
    speaking = {name_of(path) for path in CORE.rglob("*.py") if word.search(path.read_text())}
    assert speaking <= {"core/kernel/db.py"}


def test_the_sdk_imports_nothing_else_of_ours() -> None:
    for path in (SOURCE / "sdk").rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("shopkit"):
                assert (node.module or "").startswith("shopkit.sdk"), f"{name_of(path)} imports {node.module}"


def test_no_file_names_somebodys_machine() -> None:
    place = re.compile(r"(?<![\w.*}])/(?:home|root|Users|work|workspace|mnt)/\w|file:///\w")
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(lines, 1) if place.search(line)]
    assert found == []


def test_decision_records_are_short_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "index.md").read_text()
    records = sorted(path for path in folder.glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text()
        assert len(text.splitlines()) <= 60, path.name
        assert f"]({path.name})" in index
        for part in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
            assert part in text, f"{path.name}: {part}"
