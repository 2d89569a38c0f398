"""How the knowledge graph's questions are worded: noun phrases for relations, frames for shapes.

A phrase nests: "the continent of {}" around "the country of Lyon" is "the continent of the country of Lyon".
A relation's own name stands in its phrase, and each frame has words that only its shape has.

>>> phrase("continent", phrase("country", "Lyon", many=False), many=False)
'the continent of the country of Lyon'
"""

from collections.abc import Mapping

PLACES = {"countries", "elements"}  # relations whose phrases take "any of" before a set, not "each of"

# By relation, or by (kind of the start, relation) where kinds differ.
PHRASES: Mapping[str | tuple[str, str], str] = {
    "capital_of": "the place {} is capital of",
    ("currency", "countries"): "the countries that use {}",
    ("language", "countries"): "the countries that speak {}",
    ("continent", "countries"): "the countries in {}",
    ("timezone", "countries"): "the countries in {}",
    ("calling_code", "countries"): "the countries with {}",
    ("domain", "countries"): "the countries with {}",
    ("timezone", "cities"): "the cities in {}",
    ("timezone", "airports"): "the airports in {}",
    ("country", "cities"): "the cities in {}",
    ("state", "cities"): "the cities in {}",
    ("state", "counties"): "the counties in {}",
    ("country", "airports"): "the airports in {}",
    ("group", "elements"): "the elements in {}",
    ("period", "elements"): "the elements in {}",
    ("block", "elements"): "the elements in {}",
    ("series", "elements"): "the elements of {}",
    ("lattice", "elements"): "the elements with {}",
    ("affinity", "elements"): "the elements with {}",
    ("oxidation_state", "elements"): "the elements with {}",
}
# What stands before the bare name of an entity that does not say what it is.
BARE = {
    "calling_code": "calling code {}",
    "domain": "domain {}",
    "timezone": "timezone {}",
    "affinity": "{} affinity",
    "series": "the {}",
}

FRAMES: Mapping[str, tuple[str, ...]] = {
    "find": ("What {is} {a}?", "Find {a}.", "Name {a}.", "Look up {a}.", "Tell me {a}."),
    "count": (
        "How many are {a}?",
        "Count {a}.",
        "What is the number of {a0}?",
        "Give the count of {a0}.",
        "How many are there among {a}?",
    ),
    "argmax": (
        "Which of {a} has the highest {attribute}?",
        "Of {a}, which has the highest {attribute}?",
        "Find the highest {attribute} among {a}.",
        "Among {a}, name the one with the highest {attribute}.",
    ),
    "argmin": (
        "Which of {a} has the lowest {attribute}?",
        "Of {a}, which has the lowest {attribute}?",
        "Find the lowest {attribute} among {a}.",
        "Among {a}, name the one with the lowest {attribute}.",
    ),
    "intersection": (
        "Which {kinds} are in both {a} and {b}?",
        "What do both {a} and {b} include?",
        "Find what is in both {a} and {b}.",
        "Name the {kinds} shared by both {a} and {b}.",
    ),
}
# The phrase of a set that a later step goes on from.
NESTED = {
    "argmax": "the one with the highest {attribute} among {a}",
    "argmin": "the one with the lowest {attribute} among {a}",
    "intersection": "the {kinds} in both {a} and {b}",
}


def bare(kind: str, label: str) -> str:
    """An entity's name as a question mentions it."""
    return BARE.get(kind, "{}").format(label)


def phrase(relation: str, of: str, *, many: bool, kind: str = "") -> str:
    """The noun phrase of what `relation` leads to from `of`; `many` says that `of` names a set."""
    words = relation.replace("_", " ")
    template = PHRASES.get((kind, relation)) or PHRASES.get(relation) or f"the {words} of {{}}"
    if many:
        of = f"{'any' if relation in PLACES else 'each'} of {of}"
    return template.format(of)


def frame(shape: str, choice: float, **slots: str) -> str:
    """One of the shape's wordings, picked by `choice` in [0, 1)."""
    frames = FRAMES[shape]
    slots["a0"] = slots["a"].removeprefix("the ")
    return frames[int(choice * len(frames))].format(**slots)
