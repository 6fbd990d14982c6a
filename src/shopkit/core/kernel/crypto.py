"""The key ring: sealing of secrets at rest (I51), tokens that are recomputed (I44), fingerprints.

Every key in use is derived from a master key for one purpose; the first master key seals, all of them open.
No plaintext, key or token ever stands in an error or a `repr` (I52).
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shopkit.sdk.errors import ConfigFault, ShopKitError

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TOKEN_BYTES: Final = 24
_FORMAT: Final = "v1"
_SEAL_PURPOSE: Final = b"shopkit/seal/v1"
_TOKEN_PURPOSE: Final = b"shopkit/token/v1"
_FINGERPRINT_PURPOSE: Final = b"shopkit/fingerprint/v1"
_MAX_CIPHERS: Final = 1024
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")


class SealError(ShopKitError):
    """A sealed value does not open: it was moved, changed or cut, or it is no sealed value."""

    code = "seal_broken"
    message = "A stored secret could not be opened: it was altered or belongs elsewhere."


class SealKeyMissing(SealError):
    """The key that sealed the value is not in the ring; its id is in `details`."""

    code = "seal_key_missing"
    message = "A stored secret was sealed with a key that is not in the key ring."


class KeyRing:
    """Master keys in order, 32 bytes each, by id. Thread-safe; made once per process."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ConfigFault("The key ring is empty.")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id) or len(key) != _KEY_BYTES:
                raise ConfigFault("The key ring has a key whose id or length is wrong.")
        self._keys = MappingProxyType(dict(keys))
        self._current = next(iter(keys))
        self._mac_keys = tuple(_derive(key, _TOKEN_PURPOSE) for key in keys.values())
        self._fingerprint_key = _derive(keys[self._current], _FINGERPRINT_PURPOSE)
        self._ciphers: dict[tuple[str, UUID], AESGCM] = {}

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A key ring is not pickled.")

    @property
    def current_id(self) -> str:
        """The id of the key that seals now."""
        return self._current

    @classmethod
    def generate(cls) -> "KeyRing":
        """A ring of one fresh key."""
        return cls({_new_key_id(): secrets.token_bytes(_KEY_BYTES)})

    @classmethod
    def load(cls, text: str) -> "KeyRing":
        """Read `id:base64` items, the current key first, one per line or parted by commas; `#` begins a comment.

        Raises `ConfigFault`, which names the item's number and never its content.
        """
        lines = (line.partition("#")[0] for line in text.splitlines())
        items = [item for line in lines for item in line.replace(",", " ").split()]
        keys: dict[str, bytes] = {}
        for number, item in enumerate(items, 1):
            key_id, _, encoded = item.partition(":")
            key = _decode_key(encoded)
            if key is None or not _KEY_ID.fullmatch(key_id):
                raise ConfigFault(f"Key {number} of the key ring is not of the form id:base64 with 32 bytes.")
            if key_id in keys:
                raise ConfigFault(f"Key {number} of the key ring repeats an id.")
            keys[key_id] = key
        return cls(keys)

    @classmethod
    def load_file(cls, path: Path) -> "KeyRing":
        """Read the ring from a file that only its owner can read (0600); else `ConfigFault`."""
        try:
            with path.open("rb") as file:
                _refuse_shared(os.fstat(file.fileno()), path)
                text = file.read().decode("ascii")
        except UnicodeDecodeError:
            raise ConfigFault(f"The key file {path} is not a key ring.") from None
        except OSError as fault:
            raise ConfigFault(f"The key file {path} cannot be read: {fault.strerror}.") from None
        try:
            return cls.load(text)
        except ConfigFault as fault:
            raise ConfigFault(f"The key file {path} is unusable. {fault.text}") from None

    @classmethod
    def load_or_create(cls, path: Path) -> "KeyRing":
        """The ring of this file; made with a fresh key and mode 0600 if there is none. Two processes get the same."""
        try:
            is_there = path.exists()
        except OSError as fault:
            raise ConfigFault(f"The key file {path} cannot be reached: {fault.strerror}.") from None
        if not is_there:
            _create(path, cls.generate().dump())
        return cls.load_file(path)

    def dump(self) -> str:
        """The text that `load` reads: the keys themselves, for the key file only."""
        return "".join(f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in self._keys.items())

    def rotated(self) -> "KeyRing":
        """A ring with a fresh key in front; what the old keys sealed still opens."""
        return KeyRing({_new_key_id(): secrets.token_bytes(_KEY_BYTES), **self._keys})

    def seal(self, plaintext: bytes, *, tenant: UUID, table: str, column: str, row_id: str, field: str) -> str:
        """`v1.<key id>.<base64url(nonce, ciphertext)>`: opens only for the same tenant, table, column, row and field.

        About 5 µs. `field` is the path inside a JSON column, empty for a plain one.
        """
        nonce = os.urandom(_NONCE_BYTES)
        bound = _bound_to(self._current, tenant, table, column, row_id, field)
        sealed = self._cipher(self._current, tenant).encrypt(nonce, plaintext, bound)
        return f"{_FORMAT}.{self._current}.{_encode(nonce + sealed)}"

    def open(self, sealed: str, *, tenant: UUID, table: str, column: str, row_id: str, field: str) -> bytes:
        """The plaintext. Raises `SealKeyMissing` if its key is gone, `SealError` if anything else is wrong."""
        key_id, body = _parts(sealed)
        if key_id not in self._keys:
            raise SealKeyMissing(details={"key_id": key_id})
        bound = _bound_to(key_id, tenant, table, column, row_id, field)
        try:
            return self._cipher(key_id, tenant).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise SealError from None

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it; if not, the rotation seals it again."""
        return _parts(sealed)[0] == self._current

    def token(self, purpose: str, tenant: UUID, subject: UUID | str, epoch: int = 0) -> str:
        """A token of 192 bits for one purpose, tenant and subject, always the same: never stored, printed at will.

        A higher epoch revokes those before it.
        """
        return _mac(self._mac_keys[0], _subject(purpose, tenant, subject, epoch))

    def verify_token(self, token: str, purpose: str, tenant: UUID, subject: UUID | str, epoch: int = 0) -> bool:
        """Whether any key of the ring makes this token. Takes the same time whichever it is, or none."""
        given = token.encode("utf-8", "replace")  # what is no base64url anyway must not raise here
        message = _subject(purpose, tenant, subject, epoch)
        matches = [hmac.compare_digest(given, _mac(key, message).encode()) for key in self._mac_keys]
        return any(matches)

    def fingerprint(self, value: str | bytes, tenant: UUID | None = None) -> str:
        """Twelve hex digits by which a person recognises a secret (`9f2c41d07a33`); useless without the key.

        With a tenant, equal values of two tenants look different. It changes when the key is rotated.
        """
        scope = tenant.bytes if tenant else b""
        message = _joined(scope, value.encode() if isinstance(value, str) else value)
        return hmac.digest(self._fingerprint_key, message, "sha256")[:6].hex()

    def _cipher(self, key_id: str, tenant: UUID) -> AESGCM:
        cipher = self._ciphers.get((key_id, tenant))
        if cipher is None:
            cipher = AESGCM(_derive(self._keys[key_id], _SEAL_PURPOSE + tenant.bytes))
            if len(self._ciphers) >= _MAX_CIPHERS:
                self._ciphers.clear()
            self._ciphers[key_id, tenant] = cipher
        return cipher


def new_secret() -> str:
    """A random token of 192 bits in base64url, for what is stored only as a hash."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_secret(secret: str) -> bytes:
    """What is stored of a random token: 32 bytes of SHA-256. Only for secrets with 128 bits or more, no passwords."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(key)


def _bound_to(key_id: str, tenant: UUID, *place: str) -> bytes:
    return _joined(_FORMAT.encode(), key_id.encode(), tenant.bytes, *(part.encode() for part in place))


def _subject(purpose: str, tenant: UUID, subject: UUID | str, epoch: int) -> bytes:
    return _joined(purpose.encode(), tenant.bytes, str(subject).encode(), b"%d" % epoch)


def _joined(*parts: bytes) -> bytes:
    # With its length before each part, ("ab", "c") and ("a", "bc") stay different.
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])


def _mac(key: bytes, message: bytes) -> str:
    return _encode(hmac.digest(key, message, "sha256")[:_TOKEN_BYTES])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(sealed: str) -> tuple[str, bytes]:
    version, _, rest = sealed.partition(".")
    key_id, _, body = rest.partition(".")
    if version != _FORMAT or not _KEY_ID.fullmatch(key_id) or not _BASE64URL.fullmatch(body):
        raise SealError
    try:
        data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        raise SealError from None
    if len(data) <= _NONCE_BYTES:
        raise SealError
    return key_id, data


def _decode_key(encoded: str) -> bytes | None:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None


def _new_key_id() -> str:
    return f"k{secrets.token_hex(4)}"


def _refuse_shared(status: os.stat_result, path: Path) -> None:
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigFault(f"Others may read the key file {path}. Run: chmod 600 {path}")


def _create(path: Path, text: str) -> None:
    """Put the whole file in place at once; if another process was first, its file stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, a link never replaces
        _sync_directory(path.parent)
    except OSError as fault:
        raise ConfigFault(f"The key file {path} cannot be made: {fault.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
