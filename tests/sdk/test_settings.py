"""A secret leaves only through `reveal`; one annotation says all of a settings field."""

import copy
import pickle
from typing import Annotated, Literal

import msgspec
import pytest

from shopkit.sdk.settings import Secret, decode_secret, metadata, secret_fields, setting


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    store_id: Annotated[str, setting("Store ID", help="From the welcome mail.", group="Account", max_length=8)]
    store_password: Annotated[Secret, setting("Store password", group="Account")]
    old_password: Annotated[Secret, setting("Old password")] | None = None
    theme: Annotated[Literal["popup", "page"], setting("Shown as", advanced=True)] = "page"
    attempts: Annotated[int, setting("Attempts", ge=1, le=5, show_if=("theme", "popup"))] = 3


def test_a_secret_is_shown_nowhere() -> None:
    secret = Secret("s3cr3t-value")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", "%s" % secret, repr([secret])]  # noqa: UP031
    shown.append(repr(Settings(store_id="x", store_password=secret)))
    assert all("s3cr3t" not in text for text in shown)
    assert repr(secret) == "Secret(***)"
    assert secret.reveal() == "s3cr3t-value"


def test_a_secret_cannot_be_encoded_or_pickled_by_accident() -> None:
    settings = Settings(store_id="x", store_password=Secret("s3cr3t"))
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins):
        with pytest.raises(TypeError, match="Secret"):
            encode(settings)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(settings.store_password, protocol)


def test_copies_of_a_secret_are_the_secret() -> None:
    secret = Secret("x")
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


def test_secrets_compare_by_value_and_only_with_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("গোপন") == Secret("গোপন")
    assert Secret("\ud800") != Secret("a")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
    with pytest.raises(TypeError):
        Secret(b"a")  # type: ignore[arg-type]


def test_settings_decode_with_the_hook() -> None:
    raw = b'{"store_id":"shop","store_password":"s3cr3t"}'
    settings = msgspec.json.decode(raw, type=Settings, dec_hook=decode_secret)
    assert settings.store_password == Secret("s3cr3t")


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"store_id":"123456789","store_password":"x"}', r"\$\.store_id"),
        (b'{"store_id":"a","store_password":7}', r"\$\.store_password"),
        (b'{"store_id":"a","store_password":"x","attempts":6}', r"\$\.attempts"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(raw: bytes, place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        msgspec.json.decode(raw, type=Settings, dec_hook=decode_secret)


def test_the_hook_makes_secrets_only() -> None:
    with pytest.raises(NotImplementedError):
        decode_secret(complex, "1")


def test_the_annotation_feeds_form_and_schema() -> None:
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    assert metadata(fields["store_id"].type)["group"] == "Account"
    assert metadata(fields["theme"].type)["advanced"] is True
    assert metadata(fields["attempts"].type)["show_if"] == ("theme", "popup")
    assert metadata(int) == {}
    schema = msgspec.json.schema(Annotated[str, setting("Store ID", help="From the mail.", max_length=8)])
    assert schema == {"type": "string", "title": "Store ID", "description": "From the mail.", "maxLength": 8}


def test_fields_that_hold_secrets_are_found() -> None:
    assert list(secret_fields(Settings)) == ["store_password", "old_password"]
