"""Where a server keeps its things. What we make has its final mode and owner at once; what exists is left as it is."""

import errno
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path

from msgspec import Struct

from shopkit.core.kernel.embedded import accounts, commands, sockets
from shopkit.core.kernel.embedded.accounts import Account
from shopkit.sdk.errors import ConfigFault

OUTSIDE = Path("/var/lib/shopkit-pg")
"""Where the data of root goes when `SYSTEM_USER` cannot reach the data directory."""

_SOCKET_BYTES = 107  # sun_path of Linux without its closing zero


class Place(Struct, frozen=True):
    """The directory of one server, and what is where in it."""

    home: Path

    @property
    def cluster(self) -> Path:
        """The data; complete or not there at all."""
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "postgres.log"

    @property
    def start_lock(self) -> Path:
        """Held alone by whoever starts or stops the server."""
        return self.home / "start.lock"

    @property
    def use_lock(self) -> Path:
        """Shared by everyone who uses the server."""
        return self.home / "use.lock"

    @property
    def socket(self) -> Path:
        """The unix socket; there while the server runs."""
        return self.socket_dir / sockets.NAME

    @property
    def socket_dir(self) -> Path:
        """`run/`, or a directory below /tmp where that path does not fit a socket or a DSN."""
        directory = self.home / "run"
        is_short = len(os.fsencode(directory / sockets.NAME)) <= _SOCKET_BYTES
        if is_short and "," not in str(directory) and str(directory).isprintable():  # a comma separates hosts in a DSN
            return directory
        # Not tempfile.gettempdir(): TMPDIR may differ between the users of one server.
        return Path("/tmp") / f"shopkit-pg-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"  # noqa: S108


def find(data_dir: Path) -> Place:
    """The place of `data_dir`: itself, or where its `location` points to. ConfigFault if that is gone."""
    pointer = data_dir / "location"
    if not pointer.exists():
        if os.geteuid() or (data_dir / "cluster").exists() or _can_enter(accounts.system_account(), data_dir):
            return Place(data_dir)
        _move_outside(data_dir, pointer)
    home = Path(pointer.read_text().strip())
    if home.parent != OUTSIDE or not home.is_dir():
        raise ConfigFault(f"{pointer} names {home}, which is not there. Delete that file to begin with an empty one.")
    return Place(home)


def _can_enter(account: Account, directory: Path) -> bool:
    return commands.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)], **account.switch).returncode == 0


def _move_outside(data_dir: Path, pointer: Path) -> None:
    make_directory(OUTSIDE, 0o755, accounts.ROOT)
    home = OUTSIDE / secrets.token_hex(8)
    make_directory(home, 0o755, accounts.ROOT)
    (home / "belongs-to").write_text(f"{data_dir}\n")
    draft = pointer.with_name(f"location.{home.name}")
    draft.write_text(f"{home}\n")
    try:
        pointer.hardlink_to(draft)
    except FileExistsError:  # another process was first; its place is the place
        shutil.rmtree(home)
    finally:
        draft.unlink()


def make_directory(path: Path, mode: int, owner: Account) -> None:
    """Make it with its final mode and owner in one step, unless it exists; what exists is left as it is."""
    if path.is_symlink() or path.exists():
        return
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        draft.chmod(mode)
        give(draft, owner)
        draft.rename(path)
    except OSError as error:
        draft.rmdir()
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise


def give(path: Path, owner: Account) -> None:
    """Make `owner` own it, if we are root; otherwise what we make is ours anyway."""
    if os.geteuid() == 0:
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def check_private(directory: Path, owner: Account) -> None:
    """Refuse a socket directory that somebody else prepared: ConfigFault."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise ConfigFault(
            f"{directory} should be a directory of the system user {owner.name} with mode 0700, but is not. "
            "Look who made it, then remove it and start again."
        )
