"""Addresses made from titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.catalog.slugs import free, is_slug, slug_of


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Linen Shirt", "linen-shirt"),
        ("  Boys' Panjabi, 4 years! ", "boys-panjabi-4-years"),
        ("Café Crème", "cafe-creme"),
        ("টাঙ্গাইল সুতি শাড়ি", "টাঙ্গাইল-সুতি-শাড়ি"),
        ("র‍্যাপিড ১২", "র্যাপিড-১২"),
        ("100% / #1?", "100-1"),
        ("!!!", "product"),
    ],
)
def test_a_title_becomes_letters_digits_and_hyphens(title: str, slug: str) -> None:
    import unicodedata

    assert slug_of(title, "product") == unicodedata.normalize("NFC", slug)


@given(st.text(max_size=300))
def test_whatever_the_title_the_slug_may_be_an_address(title: str) -> None:
    assert is_slug(slug_of(title, "product"))


@pytest.mark.parametrize("wrong", ["", "a b", "a/b", "a?b", "a#b", "a%20", "Upper", "x" * 201, "a\n", "cafe\u0301"])
def test_what_an_address_cannot_bear_is_no_slug(wrong: str) -> None:
    assert not is_slug(wrong)


def test_a_taken_slug_gets_the_next_number() -> None:
    assert free("shirt", set()) == "shirt"
    assert free("shirt", {"shirt", "shirt-2"}) == "shirt-3"
