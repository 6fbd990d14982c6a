"""`python -m scripts.reference [--check]`: write the generated pages, or exit with 1 and name the stale ones."""

import argparse
import sys
from pathlib import Path

from scripts.reference import commands, diagrams, facts, lifecycles, problems, settings, tables

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
GENERATED = "<!-- Generated from the code by `make docs-generate`; edit the code, not this page. -->\n\n"


def pages() -> dict[Path, str]:
    """Every generated file with what it should contain."""
    written = {
        "configuration.md": settings.configuration(),
        "store-settings.md": settings.store_settings(),
        "cli.md": commands.page(),
        "errors.md": problems.page(),
        "facts.md": facts.page(),
        "lifecycles.md": lifecycles.page(),
        "tables.md": tables.page(),
        "er.md": diagrams.page(),
    }
    files = {FOLDER / name: GENERATED + text for name, text in written.items()}
    return files | {FOLDER / "er" / f"{name}.svg": svg for name, svg in diagrams.drawings().items()}


def stale(files: dict[Path, str]) -> list[Path]:
    """What differs from the code, and drawings of what no longer exists."""
    differing = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    return differing + [path for path in (FOLDER / "er").glob("*.svg") if path not in files]


def write(files: dict[Path, str]) -> None:
    """Bring the folder up to date."""
    for path in stale(files):
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        else:
            path.unlink()


def main(words: list[str]) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a page is stale")
    check = parser.parse_args(words).check
    files = pages()
    changed = stale(files)
    if not check:
        write(files)
    for path in changed:
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(FOLDER.parents[1])}")
    if check and changed:
        print("Run `make docs-generate`.")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
