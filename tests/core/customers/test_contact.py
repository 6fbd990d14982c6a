"""One person, one spelling: phones as E.164, e-mails in lower case."""

import contextlib
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkit.core.customers.contact import (
    InvalidContact,
    InvalidEmail,
    InvalidPhone,
    mask_email,
    mask_phone,
    normalise_email,
    normalise_phone,
)


@pytest.mark.parametrize(
    "text",
    [
        *("01712345678", "+8801712345678", "8801712345678", "008801712345678", "1712345678", "+88001712345678"),
        *(
            "01712-345678",
            "01712 345 678",
            " 01712.345.678 ",
            "(01712) 345678",
            "+880 (0) 1712-345678",
            "88 01712345678",
        ),
        *(
            "০১৭১২৩৪৫৬৭৮",
            "+৮৮০ ১৭১২-৩৪৫৬৭৮",
            "০১৭১২\u200d-৩৪৫৬৭৮",
            "\u202a+8801712345678\u202c",
            "01712–345678",
            "+8801712345678",
        ),
    ],
)
def test_every_common_spelling_of_a_bangladeshi_mobile_is_one_number(text: str) -> None:
    assert normalise_phone(text, "BD") == "+8801712345678"


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("02-41010001", "BD", "+880241010001"),
        ("+44 20 7946 0958", "BD", "+442079460958"),
        ("0044 20 7946 0958", "BD", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+8801712345678", "GB", "+8801712345678"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "+971501234567"),
    ],
)
def test_other_numbers_are_understood_with_their_country(text: str, country: str, number: str) -> None:
    assert normalise_phone(text, country) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "+", "0", "1", "abc", "01712345", "017123456789", "01212345678", "+880", "12345"),
        *("01712345678x", "01712345678 ext 5", "01712345678/01812345678", "01712345678\x00", "+999123456789"),
        *("01712345678;drop", "+" * 30, "9" * 41, "9" * 1_000_000, "\ud800", "০" * 40, "+88+01712345678", "½"),
    ],
)
def test_what_is_no_phone_is_refused_with_its_code(text: str) -> None:
    with pytest.raises(InvalidPhone) as caught:
        normalise_phone(text, "BD")
    assert caught.value.code == "invalid_phone"


@given(st.text(max_size=45), st.sampled_from(["BD", "GB", "ZZ", ""]))
def test_any_text_is_either_a_number_or_refused_and_a_number_stays_itself(text: str, country: str) -> None:
    try:
        number = normalise_phone(text, country)
    except InvalidContact:
        return
    assert number.isascii()
    assert number[0] == "+"
    assert normalise_phone(number, "GB") == number


@given(st.text("0123456789০১২৩৪৫৬৭৮৯+-() ", max_size=20))
def test_any_digits_are_either_a_number_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidPhone):
        assert 3 <= len(normalise_phone(text, "BD")) <= 16


def test_a_bangladeshi_mobile_does_not_load_the_phone_library() -> None:
    script = (
        "import sys; from shopkit.core.customers.contact import normalise_phone as n; n('01712345678', 'BD');"
        "assert 'phonenumbers' not in sys.modules; n('+442079460958', 'BD');"
        "assert not [m for m in sys.modules if 'geodata' in m or 'carrierdata' in m]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Rahim@Example.COM", "rahim@example.com"),
        (" rahim@example.com\n", "rahim@example.com"),
        ("রহিম@উদাহরণ.বাংলা", "রহিম@উদাহরণ.বাংলা"),
        ("JOSE\u0301@example.com", "jos\u00e9@example.com"),
        ("a+b.c_d-e'f@sub.example.com", "a+b.c_d-e'f@sub.example.com"),
        ("a" * 242 + "@example.com", "a" * 242 + "@example.com"),
    ],
)
def test_an_email_has_one_spelling(text: str, email: str) -> None:
    assert normalise_email(text) == unicodedata.normalize("NFC", email)


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "a", "a@", "@example.com", "a@b@example.com", "a@example", "a@.com", "a@example.", "a@ex..com"),
        *(
            "a b@example.com",
            "a@exa mple.com",
            "a\tb@example.com",
            "a@example.com\nBcc: x@example.com",
            "a\x00@example.com",
        ),
        *(
            "a,b@example.com",
            "<a@example.com>",
            '"a"@example.com',
            "a;b@example.com",
            "a:b@example.com",
            "a@[127.0.0.1]",
        ),
        *(
            "a\u00a0b@example.com",
            "a\u202e@example.com",
            "\ud800@example.com",
            "a" * 243 + "@example.com",
            "a@b.c" * 100_000,
        ),
    ],
)
def test_what_is_no_email_is_refused_with_its_code(text: str) -> None:
    with pytest.raises(InvalidEmail) as caught:
        normalise_email(text)
    assert caught.value.code == "invalid_email"


@given(
    st.builds(
        "{}@{}.{}".format, st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30), st.text(min_size=1)
    )
)
def test_an_email_once_normalised_stays_itself(text: str) -> None:
    try:
        email = normalise_email(text)
    except InvalidEmail:
        return
    assert normalise_email(email) == email
    assert unicodedata.is_normalized("NFC", email)
    assert email.count("@") == 1
    assert len(email) <= 254
    assert len(email.split()) == 1


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8801712345678", "+8801******678"),
        ("+12015550123", "+12******123"),
        ("+29012345", "+******45"),
        ("+1234", "+**34"),
    ],
)
def test_a_masked_phone_hides_six_digits(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("email", "masked"),
    [("rahim@example.com", "r***@e***.com"), ("r@example.co.uk", "r***@e***.uk"), ("রহিম@উদাহরণ.বাংলা", "র***@উ***.বাংলা")],
)
def test_a_masked_email_hides_name_and_length(email: str, masked: str) -> None:
    assert mask_email(email) == masked


@given(st.text(max_size=20))
def test_masking_never_fails_and_never_shows_all(text: str) -> None:
    mask_email(text)
    assert mask_phone(text) != text or not text or set(text) == {"*"}
