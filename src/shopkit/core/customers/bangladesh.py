"""The 8 divisions and 64 districts of Bangladesh, by every spelling that people use.

Stored is the official English spelling of 2018 (Chattogram, Cumilla, Jashore, Barishal, Bogura).
"""

from collections.abc import Iterable
from functools import cache
from unicodedata import category, normalize

from msgspec import Struct


class Place(Struct, frozen=True, kw_only=True):
    """A division or a district. `division` is empty for a division itself."""

    en: str
    bn: str
    other: tuple[str, ...] = ()
    division: str = ""

    def name(self, locale: str) -> str:
        """Its name in this language: Bangla for `bn`, English for all others."""
        return self.bn if locale[:2] == "bn" else self.en


def division(text: str) -> Place | None:
    """The division of this name in English or Bangla, old spellings included."""
    return _divisions().get(_key(text))


def district(text: str) -> Place | None:
    """The district of this name in English or Bangla, old spellings included."""
    return _districts().get(_key(text))


def divisions() -> list[Place]:
    """All eight, by their English names."""
    return [Place(en=en, bn=_nfc(bn), other=other) for en, bn, other, _ in _DATA]


def districts(of_division: str = "") -> list[Place]:
    """All sixty-four, or those of one division (its English name), by their English names."""
    return [
        Place(en=en, bn=_nfc(bn), other=tuple(other), division=name)
        for name, _, _, rows in _DATA
        for en, bn, *other in rows
        if of_division in ("", name)
    ]


@cache
def _divisions() -> dict[str, Place]:
    return _by_key(divisions())


@cache
def _districts() -> dict[str, Place]:
    return _by_key(districts())


def _by_key(places: Iterable[Place]) -> dict[str, Place]:
    return {_key(name): place for place in places for name in (place.en, place.bn, *place.other)}


def _nfc(text: str) -> str:
    return normalize("NFC", text)


_ENDINGS = ("district", "division", "zilla", "zila", "jela", "জেলা", "বিভাগ")
# Pairs that writers of Bangla, or of its romanisation, use for one another.
_ALIKE = (("ী", "ি"), ("ূ", "ু"), ("ণ", "ন"), ("ঁ", ""), ("ঙ্গ", "ঙ"), ("gonj", "ganj"))


def _key(text: str) -> str:
    """The name without case, blanks, punctuation and the spellings that vary."""
    key = "".join(char for char in normalize("NFC", text.casefold()) if category(char)[0] in "LM")
    for ending in _ENDINGS:
        if key != ending and key.endswith(ending):
            key = key.removesuffix(ending)
            break
    for written, meant in _ALIKE:
        key = key.replace(written, meant)
    return key


_DATA: tuple[tuple[str, str, tuple[str, ...], tuple[tuple[str, ...], ...]], ...] = (
    (
        "Barishal",
        "বরিশাল",
        ("Barisal",),
        (
            ("Barguna", "বরগুনা", "Borguna"),
            ("Barishal", "বরিশাল", "Barisal"),
            ("Bhola", "ভোলা"),
            ("Jhalokathi", "ঝালকাঠি", "Jhalokati", "Jhalakathi", "Jhalakati", "Jhalkathi", "Jhalkati"),
            ("Patuakhali", "পটুয়াখালী", "Potuakhali"),
            ("Pirojpur", "পিরোজপুর", "Perojpur"),
        ),
    ),
    (
        "Chattogram",
        "চট্টগ্রাম",
        ("Chittagong", "Chattagram", "Ctg"),
        (
            ("Bandarban", "বান্দরবান", "Bandorban"),
            ("Brahmanbaria", "ব্রাহ্মণবাড়িয়া", "Brahamanbaria", "Bramanbaria", "B. Baria", "বি বাড়িয়া", "বি. বাড়ীয়া"),
            ("Chandpur", "চাঁদপুর"),
            ("Chattogram", "চট্টগ্রাম", "Chittagong", "Chattagram", "Ctg"),
            ("Cox's Bazar", "কক্সবাজার", "Cox Bazar", "Cox's Bazaar", "Coxs Bazaar"),
            ("Cumilla", "কুমিল্লা", "Comilla", "Kumilla"),
            ("Feni", "ফেনী", "Feny"),
            ("Khagrachhari", "খাগড়াছড়ি", "Khagrachari", "Khagrachori", "Khagrachhori"),
            ("Lakshmipur", "লক্ষ্মীপুর", "Laxmipur", "Lakhsmipur", "Lakshmipure", "লক্ষীপুর"),
            ("Noakhali", "নোয়াখালী"),
            ("Rangamati", "রাঙ্গামাটি"),
        ),
    ),
    (
        "Dhaka",
        "ঢাকা",
        ("Dacca",),
        (
            ("Dhaka", "ঢাকা", "Dacca"),
            ("Faridpur", "ফরিদপুর"),
            ("Gazipur", "গাজীপুর", "Gajipur"),
            ("Gopalganj", "গোপালগঞ্জ"),
            ("Kishoreganj", "কিশোরগঞ্জ", "Kishorganj"),
            ("Madaripur", "মাদারীপুর"),
            ("Manikganj", "মানিকগঞ্জ"),
            ("Munshiganj", "মুন্সীগঞ্জ", "Munsiganj", "মুন্শিগঞ্জ"),
            ("Narayanganj", "নারায়ণগঞ্জ", "Narayangonj", "Naraynganj"),
            ("Narsingdi", "নরসিংদী", "Narshingdi", "Narsinghdi"),
            ("Rajbari", "রাজবাড়ী"),
            ("Shariatpur", "শরীয়তপুর", "Shariyatpur"),
            ("Tangail", "টাঙ্গাইল"),
        ),
    ),
    (
        "Khulna",
        "খুলনা",
        (),
        (
            ("Bagerhat", "বাগেরহাট", "Bagherhat"),
            ("Chuadanga", "চুয়াডাঙ্গা"),
            ("Jashore", "যশোর", "Jessore", "Jashor", "Jessor"),
            ("Jhenaidah", "ঝিনাইদহ", "Jhenidah", "Jhenaidaha", "Jhinaidah", "Jhenaida"),
            ("Khulna", "খুলনা"),
            ("Kushtia", "কুষ্টিয়া", "Kustia"),
            ("Magura", "মাগুরা"),
            ("Meherpur", "মেহেরপুর"),
            ("Narail", "নড়াইল"),
            ("Satkhira", "সাতক্ষীরা", "Shatkhira"),
        ),
    ),
    (
        "Mymensingh",
        "ময়মনসিংহ",
        ("Mymensing", "Maimansingh"),
        (
            ("Jamalpur", "জামালপুর"),
            ("Mymensingh", "ময়মনসিংহ", "Mymensing", "Maimansingh"),
            ("Netrokona", "নেত্রকোণা", "Netrakona"),
            ("Sherpur", "শেরপুর"),
        ),
    ),
    (
        "Rajshahi",
        "রাজশাহী",
        (),
        (
            ("Bogura", "বগুড়া", "Bogra"),
            (
                "Chapai Nawabganj",
                "চাঁপাইনবাবগঞ্জ",
                "Chapainababganj",
                "Chapai Nababganj",
                "Nawabganj",
                "নবাবগঞ্জ",
            ),
            ("Joypurhat", "জয়পুরহাট", "Jaipurhat", "Jaypurhat"),
            ("Naogaon", "নওগাঁ", "Nowgaon", "Noagaon"),
            ("Natore", "নাটোর", "Nator"),
            ("Pabna", "পাবনা"),
            ("Rajshahi", "রাজশাহী"),
            ("Sirajganj", "সিরাজগঞ্জ", "Serajganj"),
        ),
    ),
    (
        "Rangpur",
        "রংপুর",
        (),
        (
            ("Dinajpur", "দিনাজপুর"),
            ("Gaibandha", "গাইবান্ধা", "Gaibanda"),
            ("Kurigram", "কুড়িগ্রাম"),
            ("Lalmonirhat", "লালমনিরহাট", "Lalmanirhat"),
            ("Nilphamari", "নীলফামারী", "Nilfamari"),
            ("Panchagarh", "পঞ্চগড়", "Panchagar", "Panchagor", "Ponchogor"),
            ("Rangpur", "রংপুর"),
            ("Thakurgaon", "ঠাকুরগাঁও", "Thakurgoan", "ঠাকুরগাঁ"),
        ),
    ),
    (
        "Sylhet",
        "সিলেট",
        ("Silet",),
        (
            ("Habiganj", "হবিগঞ্জ", "Hobiganj"),
            ("Moulvibazar", "মৌলভীবাজার", "Maulvibazar", "Moulavibazar", "Moulovibazar"),
            ("Sunamganj", "সুনামগঞ্জ"),
            ("Sylhet", "সিলেট", "Silet"),
        ),
    ),
)
