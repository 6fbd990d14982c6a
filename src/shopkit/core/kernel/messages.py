"""What people read: one sentence per stable code, in every language that the core speaks.

A code without an entry is shown with the English text of the error itself. `{limit}` and the like are filled from the
error; numbers appear in the digits of the language.
"""

from collections.abc import Mapping
from typing import Final

LOCALES: Final = ("en", "bn")
"""Languages with messages, the last resort first."""

PROBLEMS: Final[Mapping[str, Mapping[str, str]]] = {
    "cart_not_found": {"en": "There is no such cart.", "bn": "এমন কোনো কার্ট নেই।"},
    "cart_closed": {"en": "This cart is closed.", "bn": "এই কার্টটি আর খোলা নেই।"},
    "cart_completing": {
        "en": "An order is being placed from this cart; please wait a moment.",
        "bn": "এই কার্ট থেকে অর্ডার দেওয়া হচ্ছে; একটু অপেক্ষা করুন।",
    },
    "too_many_lines": {"en": "The cart is full.", "bn": "কার্টে আর জায়গা নেই।"},
    "variant_unavailable": {
        "en": "This cannot be bought at the moment.",
        "bn": "এই পণ্যটি এখন কেনা যাচ্ছে না।",
    },
    "order_not_found": {"en": "There is no such order.", "bn": "এমন কোনো অর্ডার নেই।"},
    "order_on_hold": {"en": "The order is on hold.", "bn": "অর্ডারটি স্থগিত আছে।"},
    "no_such_payment": {
        "en": "There is no payment that this applies to.",
        "bn": "এর জন্য উপযুক্ত কোনো পেমেন্ট নেই।",
    },
    "money_taken": {
        "en": "This order is paid; it cannot simply be cancelled.",
        "bn": "এই অর্ডারের মূল্য পরিশোধ করা হয়েছে; এটি সরাসরি বাতিল করা যাবে না।",
    },
    "goods_left": {
        "en": "Goods of this order have left; it cannot simply be cancelled.",
        "bn": "এই অর্ডারের পণ্য পাঠানো হয়ে গেছে; এটি সরাসরি বাতিল করা যাবে না।",
    },
    "order_closed": {"en": "This order is cancelled.", "bn": "এই অর্ডারটি বাতিল করা হয়েছে।"},
    "nothing_to_ship": {"en": "There is nothing left to hand over.", "bn": "হস্তান্তর করার মতো আর কিছু বাকি নেই।"},
    "already_paid": {"en": "This order is paid already.", "bn": "এই অর্ডারের মূল্য আগেই পরিশোধ করা হয়েছে।"},
    "payment_open": {
        "en": "A payment for this order is open already.",
        "bn": "এই অর্ডারের একটি পেমেন্ট ইতিমধ্যে চলমান আছে।",
    },
    "stock_held": {
        "en": "That would leave less than is promised to customers.",
        "bn": "এতে ক্রেতাদের জন্য রাখা পণ্যের চেয়ে মজুদ কমে যাবে।",
    },
    "not_in_stock": {"en": "Not all of it has arrived yet.", "bn": "সব পণ্য এখনো এসে পৌঁছায়নি।"},
    "unknown_stock": {"en": "There is no such variant or location.", "bn": "এমন কোনো পণ্য বা গুদাম নেই।"},
    "invalid_slug": {
        "en": "An address has letters, digits and hyphens, in lower case.",
        "bn": "ঠিকানায় ছোট হাতের অক্ষর, সংখ্যা ও হাইফেন থাকতে পারে।",
    },
    "invalid_price": {
        "en": "This price contradicts itself.",
        "bn": "এই মূল্যের তথ্যগুলো পরস্পরবিরোধী।",
    },
    "invalid_image": {
        "en": "This is not a JPEG, PNG, WebP, GIF or AVIF image of a usable size.",
        "bn": "এটি ব্যবহারযোগ্য আকারের JPEG, PNG, WebP, GIF বা AVIF ছবি নয়।",
    },
    "slug_taken": {
        "en": "This address is taken.",
        "bn": "এই ঠিকানাটি আগেই ব্যবহার করা হয়েছে।",
    },
    "key_taken": {
        "en": "Another product has this key.",
        "bn": "অন্য একটি পণ্যের এই কী আছে।",
    },
    "sku_taken": {
        "en": "Another variant has this SKU.",
        "bn": "অন্য একটি ভ্যারিয়েন্টের এই SKU আছে।",
    },
    "category_cycle": {
        "en": "A category cannot stand under itself.",
        "bn": "একটি ক্যাটাগরি নিজের অধীনে থাকতে পারে না।",
    },
    "variant_exists": {
        "en": "There is a variant with these options already.",
        "bn": "এই অপশনগুলোর একটি ভ্যারিয়েন্ট আগে থেকেই আছে।",
    },
    "option_mismatch": {
        "en": "A variant has one value for each option of its product.",
        "bn": "পণ্যের প্রতিটি অপশনের জন্য ভ্যারিয়েন্টের একটি করে মান থাকতে হবে।",
    },
    "last_variant": {
        "en": "A product keeps at least one variant; delete the product instead.",
        "bn": "পণ্যের অন্তত একটি ভ্যারিয়েন্ট থাকতে হবে; চাইলে পণ্যটিই মুছে ফেলুন।",
    },
    "too_many_variants": {
        "en": "These options make too many variants.",
        "bn": "এই অপশনগুলোতে অনেক বেশি ভ্যারিয়েন্ট তৈরি হয়।",
    },
    "nothing_to_sell": {
        "en": "A product is published with an active variant that has a price.",
        "bn": "পণ্য প্রকাশ করতে মূল্যসহ অন্তত একটি সক্রিয় ভ্যারিয়েন্ট লাগে।",
    },
    "load_refused": {
        "en": "The file was not loaded; nothing was changed.",
        "bn": "ফাইলটি লোড করা হয়নি; কিছুই বদলানো হয়নি।",
    },
    "bad_request": {
        "en": "The request could not be read.",
        "bn": "অনুরোধটি পড়া যায়নি।",
    },
    "malformed_json": {
        "en": "The body is not valid JSON.",
        "bn": "পাঠানো তথ্য সঠিক JSON নয়।",
    },
    "malformed_query": {
        "en": "The query string could not be read.",
        "bn": "ঠিকানার প্যারামিটারগুলো পড়া যায়নি।",
    },
    "incomplete_body": {
        "en": "The body ended before it was complete.",
        "bn": "তথ্য পুরোটা পৌঁছানোর আগেই সংযোগ বিচ্ছিন্ন হয়ে গেছে।",
    },
    "unauthenticated": {
        "en": "A valid credential is needed.",
        "bn": "এর জন্য বৈধ পরিচয় প্রয়োজন।",
    },
    "forbidden": {
        "en": "This is not permitted.",
        "bn": "এই কাজের অনুমতি নেই।",
    },
    "not_found": {
        "en": "There is nothing here.",
        "bn": "এখানে কিছু পাওয়া যায়নি।",
    },
    "method_not_allowed": {
        "en": "This address does not take this method.",
        "bn": "এই ঠিকানায় এই ধরনের অনুরোধ চলে না।",
    },
    "not_acceptable": {
        "en": "There is no answer in the form that was asked for.",
        "bn": "যে ধরনে উত্তর চাওয়া হয়েছে, তা দেওয়া সম্ভব নয়।",
    },
    "conflict": {
        "en": "The current state does not permit this.",
        "bn": "বর্তমান অবস্থায় এটি করা যাচ্ছে না।",
    },
    "gone": {
        "en": "This is gone.",
        "bn": "এটি আর নেই।",
    },
    "payload_too_large": {
        "en": "The body is too large.",
        "bn": "পাঠানো তথ্য অনুমোদিত আকারের চেয়ে বড়।",
    },
    "uri_too_long": {
        "en": "The address is too long.",
        "bn": "ঠিকানাটি অতিরিক্ত লম্বা।",
    },
    "unsupported_media_type": {
        "en": "Send the body as application/json in UTF-8.",
        "bn": "তথ্য UTF-8 এনকোডিংয়ে application/json হিসেবে পাঠান।",
    },
    "invalid": {
        "en": "Some fields need a correction.",
        "bn": "কিছু তথ্য সংশোধন করতে হবে।",
    },
    "invalid_cursor": {
        "en": "This cursor does not belong to this list; start again from the first page.",
        "bn": "এই কার্সর এই তালিকার নয়; প্রথম পাতা থেকে আবার শুরু করুন।",
    },
    "not_available": {
        "en": "This is not available yet.",
        "bn": "এটি এখনো চালু হয়নি।",
    },
    "too_many_requests": {
        "en": "Too many requests; please wait a moment.",
        "bn": "অল্প সময়ে অনেক বেশি অনুরোধ এসেছে; একটু পরে আবার চেষ্টা করুন।",
    },
    "internal": {
        "en": "Something went wrong on our side.",
        "bn": "আমাদের দিক থেকে একটি সমস্যা হয়েছে।",
    },
    "unavailable": {
        "en": "The shop is busy; please try again.",
        "bn": "দোকান এই মুহূর্তে ব্যস্ত; অনুগ্রহ করে আবার চেষ্টা করুন।",
    },
    "outcome_unknown": {
        "en": "It is not known whether this was stored; repeat it with the same Idempotency-Key.",
        "bn": "এটি সংরক্ষিত হয়েছে কি না জানা যায়নি; একই Idempotency-Key দিয়ে আবার পাঠান।",
    },
    "not_stored": {
        "en": "Nothing was stored; please try again.",
        "bn": "কিছুই সংরক্ষণ করা হয়নি; অনুগ্রহ করে আবার চেষ্টা করুন।",
    },
    "provider_unavailable": {
        "en": "The service behind this cannot be reached; nothing happened. Please try again or choose another.",
        "bn": "সংশ্লিষ্ট সেবাটি এখন পাওয়া যাচ্ছে না; কিছুই ঘটেনি। আবার চেষ্টা করুন অথবা অন্যটি বেছে নিন।",
    },
    "provider_unknown": {
        "en": "The service behind this has not answered; we are asking what happened. Please wait.",
        "bn": "সংশ্লিষ্ট সেবা এখনো উত্তর দেয়নি; কী হয়েছে আমরা জেনে নিচ্ছি। অনুগ্রহ করে অপেক্ষা করুন।",
    },
    "provider_rejected": {
        "en": "The service behind this refused the request.",
        "bn": "সংশ্লিষ্ট সেবা অনুরোধটি গ্রহণ করেনি।",
    },
    "provider_misconfigured": {
        "en": "This service is not set up correctly; the shop has been told.",
        "bn": "এই সেবাটি ঠিকভাবে চালু করা নেই; দোকান কর্তৃপক্ষ বিষয়টি জানে।",
    },
    "provider_error": {
        "en": "The service behind this made a mistake.",
        "bn": "সংশ্লিষ্ট সেবায় একটি সমস্যা হয়েছে।",
    },
    "illegal_transition": {
        "en": "This step is not possible from the present state.",
        "bn": "বর্তমান অবস্থা থেকে এই ধাপে যাওয়া যায় না।",
    },
    "store_closed": {
        "en": "The store is closed at the moment.",
        "bn": "দোকানটি এই মুহূর্তে বন্ধ আছে।",
    },
    "cart_changed": {
        "en": "The cart changed in the meantime; please look at the new total.",
        "bn": "ইতিমধ্যে আপনার কার্ট বদলে গেছে; নতুন মোট মূল্য দেখে নিন।",
    },
    "out_of_stock": {
        "en": "There is not enough of this in stock.",
        "bn": "এই পণ্যটি যথেষ্ট পরিমাণে মজুদ নেই।",
    },
    "requirements_missing": {
        "en": "Something is still missing before the order can be placed.",
        "bn": "অর্ডার করার আগে আরও কিছু তথ্য দিতে হবে।",
    },
    "amount_out_of_range": {
        "en": "The amount is too large.",
        "bn": "টাকার পরিমাণ অনুমোদিত সীমার বাইরে।",
    },
    "idempotency_key_required": {
        "en": "Send an Idempotency-Key header, so that a retry cannot order twice.",
        "bn": "একই অর্ডার যেন দুবার না হয়, সেজন্য Idempotency-Key হেডার পাঠান।",
    },
    "idempotency_key_invalid": {
        "en": "The Idempotency-Key is malformed: 1 to 255 visible ASCII characters, at least 20 without a cart.",
        "bn": "Idempotency-Key সঠিক নয়: ১ থেকে ২৫৫টি দৃশ্যমান ASCII অক্ষর, কার্ট ছাড়া অন্তত ২০টি।",
    },
    "idempotency_mismatch": {
        "en": "This Idempotency-Key was used before with a different request.",
        "bn": "এই Idempotency-Key আগে অন্য একটি অনুরোধে ব্যবহার করা হয়েছে।",
    },
    "in_progress": {
        "en": "The first request with this Idempotency-Key is still running.",
        "bn": "এই Idempotency-Key দিয়ে পাঠানো প্রথম অনুরোধটি এখনো চলছে।",
    },
}
"""Titles of problems by code."""

FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "required": {"en": "Please fill this in.", "bn": "এই ঘরটি পূরণ করুন।"},
    "unknown_field": {"en": "There is no such field.", "bn": "এ নামে কোনো ঘর নেই।"},
    "duplicate_field": {"en": "This was given more than once.", "bn": "এটি একাধিকবার দেওয়া হয়েছে।"},
    "too_short": {"en": "At least {limit} characters.", "bn": "কমপক্ষে {limit}টি অক্ষর দিন।"},
    "too_long": {"en": "At most {limit} characters.", "bn": "সর্বোচ্চ {limit}টি অক্ষর দেওয়া যাবে।"},
    "too_few": {"en": "At least {limit} entries.", "bn": "কমপক্ষে {limit}টি দিতে হবে।"},
    "too_many": {"en": "At most {limit} entries.", "bn": "সর্বোচ্চ {limit}টি দেওয়া যাবে।"},
    "too_small": {"en": "At least {limit}.", "bn": "{limit} বা তার বেশি হতে হবে।"},
    "too_large": {"en": "At most {limit}.", "bn": "{limit} বা তার কম হতে হবে।"},
    "not_a_multiple": {"en": "Only multiples of {limit}.", "bn": "{limit}-এর গুণিতক হতে হবে।"},
    "not_a_number": {"en": "This must be a whole number.", "bn": "এটি পূর্ণসংখ্যা হতে হবে।"},
    "not_text": {"en": "This must be text.", "bn": "এটি লেখা (টেক্সট) হতে হবে।"},
    "invalid_text": {
        "en": "The text contains characters that cannot be stored.",
        "bn": "লেখায় এমন অক্ষর আছে যা সংরক্ষণ করা যায় না।",
    },
    "not_a_boolean": {"en": "This must be true or false.", "bn": "এটি true অথবা false হতে হবে।"},
    "not_a_list": {"en": "This must be a list.", "bn": "এটি একটি তালিকা হতে হবে।"},
    "not_an_object": {"en": "This must be an object.", "bn": "এটি একটি অবজেক্ট হতে হবে।"},
    "not_a_date": {"en": "This must be a date such as 2026-01-31.", "bn": "তারিখ এভাবে লিখুন: 2026-01-31।"},
    "not_a_time": {
        "en": "This must be a time with its offset, such as 2026-01-31T18:00:00+06:00.",
        "bn": "সময় অঞ্চলসহ এভাবে লিখুন: 2026-01-31T18:00:00+06:00।",
    },
    "not_a_decimal": {
        "en": 'This must be a decimal number as text, such as "12.50".',
        "bn": 'দশমিক সংখ্যা ইংরেজি অঙ্কে উদ্ধৃতিচিহ্নের ভেতরে লিখুন, যেমন "12.50"।',
    },
    "not_an_id": {"en": "This is not an id.", "bn": "এটি সঠিক আইডি নয়।"},
    "not_one_of": {"en": "This is not one of the choices.", "bn": "এটি গ্রহণযোগ্য বিকল্পগুলোর একটি নয়।"},
    "invalid_value": {"en": "This value is not valid.", "bn": "এই মানটি সঠিক নয়।"},
    "invalid_format": {"en": "This is not in the expected form.", "bn": "এটি প্রত্যাশিত ধরনে লেখা হয়নি।"},
    "invalid_phone": {"en": "This is not a valid phone number.", "bn": "ফোন নম্বরটি সঠিক নয়।"},
    "invalid_email": {"en": "This is not a valid e-mail address.", "bn": "ই-মেইল ঠিকানাটি সঠিক নয়।"},
    "invalid_contact": {"en": "This is not a valid contact.", "bn": "যোগাযোগের তথ্যটি সঠিক নয়।"},
    "invalid_amount": {"en": "This is not an amount of this currency.", "bn": "এটি এই মুদ্রার সঠিক পরিমাণ নয়।"},
    "unknown_currency": {"en": "There is no such currency.", "bn": "এমন কোনো মুদ্রা নেই।"},
    "not_available": {"en": "This is not available yet.", "bn": "এটি এখনো চালু হয়নি।"},
    "out_of_stock": {"en": "There is not enough of this in stock.", "bn": "এই পণ্যটি যথেষ্ট পরিমাণে মজুদ নেই।"},
    "cart_empty": {"en": "The cart is empty.", "bn": "কার্ট খালি।"},
    "not_delivered_there": {
        "en": "We do not deliver to this address.",
        "bn": "এই ঠিকানায় আমরা পণ্য পৌঁছাই না।",
    },
    "shipping_option_gone": {
        "en": "This way of delivery is not available for this order; please choose another.",
        "bn": "এই অর্ডারে এই ডেলিভারি পদ্ধতিটি পাওয়া যাচ্ছে না; অন্য একটি বেছে নিন।",
    },
    "payment_method_gone": {
        "en": "This way to pay is not available; please choose another.",
        "bn": "এই পেমেন্ট পদ্ধতিটি পাওয়া যাচ্ছে না; অন্য একটি বেছে নিন।",
    },
    "too_many_per_order": {
        "en": "This is more than one order may hold of it.",
        "bn": "একটি অর্ডারে এত বেশি সংখ্যায় এই পণ্য নেওয়া যায় না।",
    },
    "unknown_variant": {"en": "There is no such product.", "bn": "এমন কোনো পণ্য নেই।"},
    "unknown_option": {"en": "There is no such choice.", "bn": "এমন কোনো বিকল্প নেই।"},
    "unknown_country": {"en": "There is no such country.", "bn": "এমন কোনো দেশ নেই।"},
    "country_not_served": {"en": "We do not deliver to this country.", "bn": "এই দেশে আমরা পণ্য পৌঁছাই না।"},
    "unknown_division": {"en": "There is no such division.", "bn": "এমন কোনো বিভাগ নেই।"},
    "unknown_district": {"en": "There is no such district.", "bn": "এমন কোনো জেলা নেই।"},
    "district_not_in_division": {
        "en": "This district is not in that division.",
        "bn": "এই জেলা ওই বিভাগের মধ্যে নয়।",
    },
    "invalid_postal_code": {"en": "This is not a valid postal code.", "bn": "পোস্ট কোডটি সঠিক নয়।"},
}
"""Sentences for single fields by code."""

_BANGLA_DIGITS: Final = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def translate(code: str, locale: str, default: str, /, **values: object) -> str:
    """The title of a problem in the language; `default` (English) where the core has no sentence for it."""
    return _say(PROBLEMS.get(code) or FIELDS.get(code), locale, default, values)


def translate_field(code: str, locale: str, default: str, /, **values: object) -> str:
    """The sentence for one wrong field in the language."""
    return _say(FIELDS.get(code) or PROBLEMS.get(code), locale, default, values)


def _say(texts: Mapping[str, str] | None, locale: str, default: str, values: Mapping[str, object]) -> str:
    text = (texts or {}).get(locale)
    if text is None:
        return default
    if "{" not in text:
        return text
    try:
        return text.format_map({name: _number(value, locale) for name, value in values.items()})
    except KeyError:  # the error names no limit, the sentence needs one
        return default


def _number(value: object, locale: str) -> str:
    text = str(value)
    return text.translate(_BANGLA_DIGITS) if locale == "bn" else text
