"""The documentation tells the truth: generated pages are fresh, links lead somewhere, what it names exists."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest
from msgspec import Struct

from shopkit import cli
from shopkit.core.kernel.config import PREFIX, Config
from shopkit.core.kernel.messages import FIELDS, LOCALES, PROBLEMS
from shopkit.core.settings.service import DOMAINS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
MADE = {path for path in PAGES if path.exists() and path.read_text().startswith("<!-- Generated")}
WRITTEN = [path for path in PAGES if path not in MADE]

LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
ABOUT_THE_DEMO = re.compile(r"curl|shopkit order|^SHOP=", re.MULTILINE)


class Demo(Struct, frozen=True):
    """A running demo of its own, on fresh data."""

    url: str
    data_dir: Path


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def each_page(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", paths, ids=page_id)


def commands_of(page: Path) -> Iterator[list[str]]:
    """The words after `shopkit` wherever a page shows a command."""
    text = page.read_text()
    lines = [
        line for language, block in BLOCK.findall(text) if language in {"bash", "ini"} for line in block.splitlines()
    ]
    lines += CODE.findall(BLOCK.sub("", text))
    for line in lines:
        if found := re.match(r"(?:ExecStart=)?(?:\S*/)?shopkit +(.*)", line.strip()):
            yield re.split(r"\s+", found[1].partition("#")[0].strip())


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_page(PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if re.match(r"https?:|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page_id(page)} links to {target}"
        if anchor:
            assert anchor in _anchors(path), f"{page_id(page)} links to {target}"


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


@each_page(WRITTEN)
def test_named_settings_of_the_process_exist(page: Path) -> None:
    known = {PREFIX + name.upper() for name in Config.__struct_fields__}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", page.read_text())) <= known


@each_page(WRITTEN)
def test_named_settings_of_the_shop_exist(page: Path) -> None:
    named = re.findall(rf"\b({'|'.join(DOMAINS)})\.([a-z_]+)\b", " ".join(CODE.findall(page.read_text())))
    suffixes = {"md", "py", "json"}
    for domain, field in named:
        assert field in suffixes or field in DOMAINS[domain].__struct_fields__, f"{domain}.{field}"


@each_page(WRITTEN)
def test_shown_commands_exist(page: Path) -> None:
    for words in commands_of(page):
        command: click.Command = cli.cli
        context = click.Context(command)
        for word in words:
            if not isinstance(command, click.Group) or word.startswith("-"):
                break
            child = command.get_command(context, word)
            assert child is not None, f"{page_id(page)} shows `shopkit {' '.join(words)}`"
            command = child.make_context(word, [], parent=context, resilient_parsing=True).command
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        shown = {
            word.partition("=")[0] for word in words if word.startswith("--") and word not in {"--help", "--version"}
        }
        assert shown <= known, f"{page_id(page)} shows `shopkit {' '.join(words)}`"


@each_page(WRITTEN)
def test_named_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    shown = [line for _, block in BLOCK.findall(text) for line in block.splitlines()] + CODE.findall(text)
    named = {found[1] for line in shown if (found := re.match(r"make ([a-z0-9-]+)", line))}
    assert named <= targets


@each_page(WRITTEN)
def test_named_files_of_the_source_exist(page: Path) -> None:
    places = [ROOT, ROOT / "src", ROOT / "src" / "shopkit", ROOT / "src" / "shopkit" / "core"]
    named = re.findall(r"`(\w[\w/]*/\w+\.(?:py|sql|json|md))`", BLOCK.sub("", page.read_text()))
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


@each_page(WRITTEN)
def test_named_error_codes_exist(page: Path) -> None:
    known = (DOCS / "reference" / "errors.md").read_text()
    for code in re.findall(r"\b[45]\d\d `([a-z_]+)`", page.read_text()):
        assert f"`{code}`" in known, f"{page_id(page)} names {code}"


def test_every_sentence_for_people_belongs_to_a_code_that_is_used() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py") if path.name != "messages.py")
    unused = {code for code in {*PROBLEMS, *FIELDS} if f'"{code}"' not in source}
    assert unused == set()


@pytest.mark.parametrize("texts", [PROBLEMS, FIELDS], ids=["problems", "fields"])
def test_every_sentence_exists_in_every_language(texts: dict[str, dict[str, str]]) -> None:
    assert {code for code, sentences in texts.items() if set(sentences) != set(LOCALES)} == set()


async def test_the_page_of_the_api_names_every_call(client: httpx.AsyncClient) -> None:
    described = (await client.get("/api/openapi.json")).json()["paths"]
    calls = {f"{method.upper()} {_shape(path)}" for path, methods in described.items() for method in methods}
    named: set[str] = set()
    for line in (DOCS / "reference" / "api.md").read_text().splitlines():
        if line.startswith("| `"):
            words = re.findall(r"GET|POST|PATCH|PUT|DELETE|/[\w{}/-]+", line.split("|")[1])
            named |= set(_pairs(words))
    assert named == calls


def _pairs(words: list[str]) -> Iterator[str]:
    methods: list[str] = []
    for word in words:
        if word.startswith("/"):
            yield from (f"{method} {_shape('/api/store/v1' + word)}" for method in methods)
            methods = []
        else:
            methods.append(word)


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_documentation_builds_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists()


def test_the_built_pages_load_nothing_from_elsewhere(site: Path) -> None:
    tags = re.compile(r"<(?:script|img|iframe|link)\b[^>]*>|@import[^;]*|url\((?![\"']?data:)[^)]*\)")
    for page in [*site.rglob("*.html"), *site.rglob("*.css")]:
        for tag in tags.findall(page.read_text()):
            assert not re.search(r"""[="'(](?:https?:)?//""", tag), f"{page.name}: {tag}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "tutorial" / "first-order.md"], ids=page_id)
def test_what_the_pages_show_works_on_a_fresh_demo(page: Path, demo: Demo, tmp_path: Path) -> None:
    """Every bash block that talks to the demo, one after the other in one shell that stops at the first error."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    blocks = [
        block for kind, block in BLOCK.findall(page.read_text()) if kind == "bash" and ABOUT_THE_DEMO.search(block)
    ]
    assert blocks
    script = "\n".join(["set -euo pipefail", *blocks]).replace("curl -s", "curl -sS --fail-with-body")
    script = script.replace("http://127.0.0.1:8000", demo.url).replace(".venv/bin", str(Path(sys.executable).parent))
    script = script.replace("SHOPKIT_DATA_DIR=.demo", f"SHOPKIT_DATA_DIR='{demo.data_dir}'")
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=_quiet_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def _quiet_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Demo(url=f"http://127.0.0.1:{port}", data_dir=folder / "data")
    environment = {**_quiet_environment(), "SHOPKIT_DATA_DIR": str(running.data_dir), "SHOPKIT_PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "shopkit", "demo"], env=environment, stdout=out, stderr=out)
    try:
        _wait_for(f"{running.url}/health/ready", process, log)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the demo did not start: {log.read_text()[-3000:]}")
