"""Addresses: Bangladesh by division and district without a postal code, everybody else by a neutral rule."""

import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.customers import bangladesh
from shopkit.core.customers.address import Address, CountryRules, accept, check, normalise
from shopkit.sdk.errors import Invalid

DHAKA = {
    "name": "রহিম উদ্দিন",
    "phone": "০১৭১২-৩৪৫৬৭৮",
    "country_code": "BD",
    "admin1": "Dhaka",
    "admin2": "ঢাকা জেলা",
    "admin3": "Dhanmondi",
    "line1": "House 12,  Road 5",
}
BERLIN = {
    "name": "Ada",
    "phone": "+49 30 901820",
    "country_code": "DE",
    "admin3": "Berlin",
    "line1": "Rathausstraße 15",
}


def address(of: dict[str, Any] = DHAKA, **changes: Any) -> Address:
    return Address(**of | changes)


def faults(given_address: Address, at: str = "") -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in check(given_address, at=at)]


def test_a_bangladeshi_address_needs_no_postal_code_and_is_stored_in_one_spelling() -> None:
    assert accept(address()) == Address(
        name="রহিম উদ্দিন",
        phone="+8801712345678",
        country_code="BD",
        admin1="Dhaka",
        admin2="Dhaka",
        admin3="Dhanmondi",
        line1="House 12, Road 5",
    )


def test_an_address_elsewhere_needs_no_division_and_its_postal_code_is_free() -> None:
    assert faults(address(BERLIN)) == []
    assert faults(address(BERLIN, postal_code="D-10178")) == []
    assert accept(address(BERLIN)).phone == "+4930901820"


def test_everything_that_is_missing_is_told_at_once_with_pointers() -> None:
    empty = Address(name=" ", phone="", country_code="BD", line1="")
    assert faults(empty, at="/shipping_address") == [
        ("/shipping_address/name", "required"),
        ("/shipping_address/phone", "required"),
        ("/shipping_address/admin1", "required"),
        ("/shipping_address/admin2", "required"),
        ("/shipping_address/line1", "required"),
    ]
    assert faults(msgspec.structs.replace(empty, country_code="DE")) == [
        ("/name", "required"),
        ("/phone", "required"),
        ("/admin3", "required"),
        ("/line1", "required"),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"phone": "12"}, ("/phone", "invalid_phone")),
        ({"admin1": "Atlantis"}, ("/admin1", "unknown_division")),
        ({"admin2": "Atlantis"}, ("/admin2", "unknown_district")),
        ({"admin2": "Cumilla"}, ("/admin2", "district_not_in_division")),
        ({"postal_code": "12"}, ("/postal_code", "invalid_postal_code")),
        ({"country_code": "ZZ", "phone": "+8801712345678"}, ("/country_code", "unknown_country")),
        ({"line1": "a\x00b"}, ("/line1", "invalid_text")),
        ({"name": "\ud800"}, ("/name", "invalid_text")),
        ({"landmark": "\x1b[31m"}, ("/landmark", "invalid_text")),
        ({"name": "\u09df" * 61}, ("/name", "too_long")),  # NFC writes this letter with two characters
        ({"line2": "x" * 201}, ("/line2", "too_long")),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert faults(address(**changes)) == [expected]


def test_accepting_a_wrong_address_is_a_refusal_with_all_faults() -> None:
    with pytest.raises(Invalid) as caught:
        accept(address(phone="x", admin1=""), at="/contact")
    assert [error.field for error in caught.value.errors] == ["/contact/phone"]


def test_a_shop_may_insist_on_one_country() -> None:
    found = check(address(BERLIN), rules=CountryRules.of("BD"))
    assert "country_not_served" in [error.code for error in found]


def test_a_known_district_brings_its_division() -> None:
    stored = accept(address(admin1="", admin2="Comilla"))
    assert (stored.admin1, stored.admin2) == ("Chattogram", "Cumilla")


def test_blank_optional_fields_are_stored_as_none_and_bangla_postal_codes_in_ascii() -> None:
    stored = accept(address(area="  ", line2="", landmark=None, postal_code="১২০৯"))
    assert (stored.area, stored.line2, stored.landmark, stored.postal_code) == (None, None, None, "1209")


def test_pasted_direction_marks_and_line_breaks_are_tidied_and_joiners_kept() -> None:
    stored = accept(address(name="\u202aর‍্যাব\u202c", line1="House 1\r\nRoad 2\t"))
    assert stored.name == "র‍্যাব"
    assert stored.line1 == "House 1 Road 2"


texts = st.text(max_size=30)


@given(st.builds(Address, **dict.fromkeys(msgspec.structs.asdict(address()), texts)))
def test_any_texts_are_checked_without_a_crash_and_normalising_twice_changes_nothing(anything: Address) -> None:
    found = check(anything)
    assert all(error.field.startswith("/") and error.message for error in found)
    once = normalise(anything)
    assert normalise(once) == once


@pytest.mark.parametrize(
    "raw",
    [
        {"country_code": "BD\n"},
        {"country_code": "bd"},
        {"name": "x" * 121},
        {"phone": "1" * 41},
        {"unknown": 1},
        {"admin1": None},
        {"line1": 5},
    ],
)
def test_the_shape_is_strict(raw: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(DHAKA | raw), type=Address)


def test_optional_fields_may_be_null() -> None:
    made = msgspec.json.decode(msgspec.json.encode(DHAKA | {"area": None, "landmark": None}), type=Address)
    assert made == address()


def test_bangladesh_has_8_divisions_and_64_districts_with_names_in_both_languages() -> None:
    divisions, districts = bangladesh.divisions(), bangladesh.districts()
    assert [len(divisions), len(districts)] == [8, 64]
    assert len({place.en for place in districts}) == len({place.bn for place in districts}) == 64
    counts = {division.en: len(bangladesh.districts(division.en)) for division in divisions}
    assert counts == {
        "Barishal": 6,
        "Chattogram": 11,
        "Dhaka": 13,
        "Khulna": 10,
        "Mymensingh": 4,
        "Rajshahi": 8,
        "Rangpur": 8,
        "Sylhet": 4,
    }
    for place in (*divisions, *districts):
        assert place.en.isascii()
        assert all("\u0980" <= char <= "\u09ff" for char in place.bn)
        assert unicodedata.is_normalized("NFC", place.bn)
        assert (place.name("bn"), place.name("en")) == (place.bn, place.en)


def test_every_name_and_spelling_leads_to_its_own_place() -> None:
    for place in bangladesh.districts():
        for name in (place.en, place.bn, *place.other, place.en.upper(), f" {place.en} District", f"{place.bn} জেলা"):
            assert bangladesh.district(name) == place, name
    for place in bangladesh.divisions():
        for name in (place.en, place.bn, *place.other, f"{place.en} Division", f"{place.bn} বিভাগ"):
            assert bangladesh.division(name) == place, name


@pytest.mark.parametrize(
    ("written", "official"),
    [
        *(("Chittagong", "Chattogram"), ("Comilla", "Cumilla"), ("Jessore", "Jashore"), ("Barisal", "Barishal")),
        *(
            ("Bogra", "Bogura"),
            ("coxsbazar", "Cox's Bazar"),
            ("COX'S BAZAR", "Cox's Bazar"),
            ("Laxmipur", "Lakshmipur"),
        ),
        *(("Gopalgonj", "Gopalganj"), ("b-baria", "Brahmanbaria"), ("chapainawabganj", "Chapai Nawabganj")),
        *(("নেত্রকোনা", "Netrokona"), ("রাঙামাটি", "Rangamati"), ("টাঙাইল", "Tangail"), ("মুন্সিগঞ্জ", "Munshiganj")),
        *(("নওগা", "Naogaon"), ("কক্স বাজার", "Cox's Bazar"), ("কুড\u09bcিগ্রাম", "Kurigram"), ("কু\u09dcিগ্রাম", "Kurigram")),
    ],
)
def test_old_and_careless_spellings_are_understood(written: str, official: str) -> None:
    district = bangladesh.district(written)
    assert district is not None
    assert district.en == official


@pytest.mark.parametrize("text", ["", " ", "District", "জেলা", "Kolkata", "Dhak", "123", "\x00", "x" * 10_000])
def test_other_texts_are_no_place(text: str) -> None:
    assert bangladesh.district(text) is None
    assert bangladesh.division(text) is None
