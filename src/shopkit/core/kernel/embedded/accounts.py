"""The system user that the server runs as: ourselves, the owner of the data, or one made for it when we are root."""

import contextlib
import os
import pwd
import shutil
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from shopkit.core.kernel.embedded import commands
from shopkit.core.kernel.embedded.deadlines import PAUSE_SECONDS
from shopkit.sdk.errors import ConfigFault

SYSTEM_USER = "shopkit-pg"
"""Who the server runs as when we are root; made on first use. PostgreSQL refuses to run as root."""


class Account(Struct, frozen=True):
    """The system user that the server runs as."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """As people know it, or its number where it has no entry."""
        return name_of(self.uid)

    @property
    def switch(self) -> dict[str, Any]:
        """What makes a subprocess run as this user."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}


ROOT = Account(0, 0)


def account_of(cluster: Path) -> Account:
    """Who runs the server of this cluster, which need not exist yet. ConfigFault if that is not for us to start."""
    me = os.geteuid()
    if not cluster.exists():
        return Account(me, os.getegid()) if me else system_account()
    owner = cluster.stat()
    if owner.st_uid == 0 or me not in (0, owner.st_uid):
        raise ConfigFault(
            f"The database in {cluster} belongs to the system user {name_of(owner.st_uid)}, who "
            + ("cannot run PostgreSQL; chown it to another user." if owner.st_uid == 0 else "is not you.")
            + " Start as its owner, or choose another data directory."
        )
    return Account(owner.st_uid, owner.st_gid)


def system_account() -> Account:
    """`SYSTEM_USER`, or `postgres` where no user can be made; never `nobody`, whom other services share."""
    for _ in range(5):  # another process may be adding the same user, or hold the lock of /etc/passwd
        with contextlib.suppress(KeyError):
            return _login(SYSTEM_USER)
        if not (useradd := shutil.which("useradd", path=commands.SEARCH_PATH)):
            break
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        commands.run([useradd, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER])
        time.sleep(PAUSE_SECONDS)
    with contextlib.suppress(KeyError):
        return _login("postgres")
    raise ConfigFault(
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made. "
        "Make it with `useradd --system`, start as a normal user, or set SHOPKIT_DATABASE_URL."
    )


def name_of(uid: int) -> str:
    """The user's name, or its number where it has no entry."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _login(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)
