"""Sealed values open only where they belong; tokens hold for one purpose, tenant, subject and epoch (I44, I51, I52)."""

import base64
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.kernel.crypto import KeyRing, SealError, SealKeyMissing, hash_secret, new_secret
from shopkit.sdk.errors import ConfigFault

A = UUID("018f0000-0000-7000-8000-00000000000a")
B = UUID("018f0000-0000-7000-8000-00000000000b")
PLACE: dict[str, Any] = {"tenant": A, "table": "settings", "column": "data", "row_id": "1", "field": "store_password"}


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.generate()


@given(st.binary(max_size=500))
def test_i51_what_is_sealed_opens(plaintext: bytes) -> None:
    ring = KeyRing.load(f"k1:{key('a')}")
    sealed = ring.seal(plaintext, **PLACE)
    assert ring.open(sealed, **PLACE) == plaintext


def test_i51_a_sealed_value_has_the_documented_form(ring: KeyRing) -> None:
    version, key_id, body = ring.seal(b"hello", **PLACE).split(".")
    assert (version, key_id) == ("v1", ring.current_id)
    assert len(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) == 12 + 5 + 16


def test_i51_equal_values_are_sealed_differently_each_time(ring: KeyRing) -> None:
    assert len({ring.seal(b"x", **PLACE) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"tenant": B},
        {"table": "other"},
        {"column": "other"},
        {"row_id": "2"},
        {"field": "other"},
        {"table": "setting", "column": "sdata"},  # the same letters, parted elsewhere
    ],
)
def test_i51_a_sealed_value_moved_elsewhere_does_not_open(ring: KeyRing, elsewhere: dict[str, Any]) -> None:
    sealed = ring.seal(b"hello", **PLACE)
    with pytest.raises(SealError):
        ring.open(sealed, **PLACE | elsewhere)


def test_i51_every_changed_character_is_noticed(ring: KeyRing) -> None:
    sealed = ring.seal(b"hello there", **PLACE)
    body = sealed.rindex(".") + 1
    for index in range(body, len(sealed)):
        changed = sealed[:index] + ("A" if sealed[index] != "A" else "B") + sealed[index + 1 :]
        if index == len(sealed) - 1:
            continue  # its last bits may be padding
        with pytest.raises(SealError):
            ring.open(changed, **PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1",
        "v1.k1",
        "v1.k1.",
        "v2.k1.AAAA",
        "v1.k1.AAAA",
        "v1..AAAA",
        "v1.k1.!!",
        "v1.k1.A",
        "secret",
        "v1.k\u0661.AA",
    ],
)
def test_i51_a_value_that_is_not_sealed_is_a_clear_error(ring: KeyRing, text: str) -> None:
    with pytest.raises(SealError):
        ring.open(text, **PLACE)


def test_i51_a_missing_key_is_named_and_never_gives_plaintext(ring: KeyRing) -> None:
    sealed = ring.seal(b"hello", **PLACE)
    with pytest.raises(SealKeyMissing) as caught:
        KeyRing.generate().open(sealed, **PLACE)
    assert caught.value.error_code == "seal_key_missing"
    assert caught.value.details == {"key_id": ring.current_id}


def test_i51_after_rotation_old_values_open_and_the_new_key_seals(ring: KeyRing) -> None:
    old = ring.seal(b"hello", **PLACE)
    rotated = ring.rotated()
    assert rotated.open(old, **PLACE) == b"hello"
    assert ring.is_current(old)
    assert not rotated.is_current(old)
    new = rotated.seal(b"hello", **PLACE)
    assert rotated.is_current(new)
    with pytest.raises(SealKeyMissing):
        ring.open(new, **PLACE)


def test_i51_many_tenants_do_not_pile_up_in_memory(ring: KeyRing) -> None:
    for number in range(1500):
        place = PLACE | {"tenant": UUID(int=number)}
        assert ring.open(ring.seal(b"x", **place), **place) == b"x"
    assert len(ring._ciphers) <= 1024


def test_i52_a_ring_shows_no_key(ring: KeyRing) -> None:
    secret = ring.dump().partition(":")[2].strip()
    assert secret not in repr(ring)
    assert repr(ring) == f"KeyRing({ring.current_id})"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ring)


def test_i44_a_token_is_recomputed_and_has_192_bits(ring: KeyRing) -> None:
    token = ring.token("cart", A, B)
    assert token == ring.token("cart", A, B) == ring.token("cart", A, str(B))
    assert len(base64.urlsafe_b64decode(token)) * 8 == 192
    assert ring.verify_token(token, "cart", A, B)


@pytest.mark.parametrize(
    "other", [("order", A, "s", 0), ("cart", B, "s", 0), ("cart", A, "t", 0), ("cart", A, "s", 1), ("cart", A, "s0", 0)]
)
def test_i44_a_token_holds_for_one_purpose_tenant_subject_and_epoch(
    ring: KeyRing, other: tuple[str, UUID, str, int]
) -> None:
    assert not ring.verify_token(ring.token("cart", A, "s", 0), *other)


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800", "\x00", "a" * 32, "a" * 100_000])
def test_i44_a_wrong_token_of_any_kind_is_only_false(ring: KeyRing, token: str) -> None:
    assert ring.verify_token(token, "cart", A, B) is False


def test_i44_a_token_survives_rotation_until_its_key_leaves(ring: KeyRing) -> None:
    token = ring.token("order", A, B)
    rotated = ring.rotated()
    assert rotated.verify_token(token, "order", A, B)
    assert rotated.token("order", A, B) != token
    assert not KeyRing.generate().verify_token(token, "order", A, B)


def test_a_fingerprint_tells_values_and_tenants_apart(ring: KeyRing) -> None:
    made = ring.fingerprint("password", A)
    assert len(made) == 12
    assert made == ring.fingerprint(b"password", A)
    assert len({made, ring.fingerprint("password", B), ring.fingerprint("password"), ring.fingerprint("other", A)}) == 4
    assert made != KeyRing.generate().fingerprint("password", A)


def test_i44_random_tokens_have_at_least_128_bits_and_are_stored_as_a_hash() -> None:
    assert len({new_secret() for _ in range(1000)}) == 1000
    assert len(base64.urlsafe_b64decode(new_secret())) * 8 >= 128
    assert len(hash_secret("token")) == 32
    assert hash_secret("a") != hash_secret("b")


def test_a_ring_is_read_line_by_line_and_the_first_key_is_current() -> None:
    ring = KeyRing.load(f"# made by hand\n\n k2:{key('b')} # newer\nk1:{key('a')}\n")
    assert ring.current_id == "k2"
    assert KeyRing.load(ring.dump()).dump() == ring.dump() == f"k2:{key('b')}\nk1:{key('a')}\n"
    assert KeyRing.load(f"k2:{key('b')},k1:{key('a')}").dump() == ring.dump()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "k1",
        "k1:",
        "k1:AAAA",
        f":{key('a')}",
        f"k.1:{key('a')}",
        f"k1:{key('a')}x",
        f"k1:{key('a')}\nk1:{key('b')}",
    ],
)
def test_i52_a_broken_ring_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        KeyRing.load(text)
    assert key("a") not in str(caught.value)
    assert "AAAA" not in str(caught.value)


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    made = KeyRing.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load_or_create(path).dump() == made.dump()
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with ThreadPoolExecutor(16) as pool:
        rings = list(pool.map(lambda _: KeyRing.load_or_create(path).dump(), range(16)))
    assert len(set(rings)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_key_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    KeyRing.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(ConfigFault, match="chmod 600"):
        KeyRing.load_or_create(path)


def test_an_unusable_key_file_is_a_config_fault_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    for content in (b"", b"\xff\xfe", b"k1:short"):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(ConfigFault, match=r"master\.key"):
            KeyRing.load_or_create(path)
        assert path.read_bytes() == content
    with pytest.raises(ConfigFault):
        KeyRing.load_or_create(tmp_path)


def test_a_key_file_that_cannot_be_made_is_a_config_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigFault):
        KeyRing.load_or_create(tmp_path / "file" / "master.key")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
