"""Facts: what plugins and other domains can listen to."""

import msgspec

from scripts.reference import source
from shopkit.sdk.events import FACTS


def page() -> str:
    """The page of facts."""
    parts = [
        "# Facts\n\n"
        "A fact is written in the transaction that made it true, and delivered to every listener at least once after "
        "the commit. Its fields stay; new ones may be added.\n\n"
    ]
    for topic, fact in sorted(FACTS.items()):
        fields = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(fact))
        parts += [f"## {topic}\n\n`{fact.__name__}`: {source.summary(fact)}\n\nFields: {fields}.\n\n"]
    return "".join(parts)
