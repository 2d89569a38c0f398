"""The kinds of built-in HotpotQA questions: how hard, bridge or comparison, and how they are asked.

The wordings of one kind share its key words, so a question's words show what to search for.

>>> KINDS["capital_population"].wordings[0].format(country="Ghana")
'What is the population of the capital of Ghana?'
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    level: str
    type: str  # bridge or comparison, HotpotQA's two
    wordings: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "capital_population": Kind(
        "easy",
        "bridge",
        (
            "What is the population of the capital of {country}?",
            "How large is the population of {country}'s capital?",
            "The capital of {country} has what population?",
            "What population does the capital of {country} have?",
            "Give the population of the city that is the capital of {country}.",
        ),
    ),
    "airport_capital": Kind(
        "easy",
        "bridge",
        (
            "What is the capital of the country where {airport} lies?",
            "{airport} lies in a country with which capital?",
            "Which city is the capital of the country that {airport} is in?",
            "Name the capital of the country of {airport}.",
        ),
    ),
    "more_people": Kind(
        "easy",
        "comparison",
        (
            "Which has the larger population, {first} or {second}?",
            "Is the population larger in {first} or in {second}?",
            "Of {first} and {second}, which has the larger population?",
            "{first} or {second}: which one has the larger population?",
        ),
    ),
    "higher_airport": Kind(
        "easy",
        "comparison",
        (
            "Which airport has the higher elevation, {first} or {second}?",
            "Is the elevation higher at {first} or at {second}?",
            "Of the airports {first} and {second}, which has the higher elevation?",
            "{first} or {second}: which airport's elevation is higher?",
        ),
    ),
    "city_currency": Kind(
        "medium",
        "bridge",
        (
            "What is the currency of the country that {city} is in?",
            "Which currency do people pay with in the country of {city}?",
            "{city} lies in a country with which currency?",
            "Name the currency of the country where {city} lies.",
        ),
    ),
    "city_calling_code": Kind(
        "medium",
        "bridge",
        (
            "What is the calling code of the country that {city} is in?",
            "Which calling code does the country of {city} have?",
            "{city} lies in a country with which calling code?",
            "Give the calling code of the country where {city} lies.",
        ),
    ),
    "airport_elevation": Kind(
        "medium",
        "bridge",
        (
            "What is the elevation in feet of the airport of {city}?",
            "How many feet is the elevation of {city}'s airport?",
            "The airport of {city} has what elevation in feet?",
            "Give the elevation, in feet, of the airport that {city} uses.",
        ),
    ),
    "same_country": Kind(
        "medium",
        "comparison",
        (
            "Do {first} and {second} lie in the same country?",
            "Are {first} and {second} in the same country?",
            "Is the country of {first} the same as that of {second}?",
            "{first} and {second}: do both airports lie in the same country?",
        ),
    ),
    "earlier_discovery": Kind(
        "medium",
        "comparison",
        (
            "Which element was discovered earlier, {first} or {second}?",
            "Was {first} or {second} discovered earlier?",
            "Of the elements {first} and {second}, which was discovered earlier?",
            "{first} or {second}: which was discovered earlier?",
        ),
    ),
    "airport_capital_population": Kind(
        "hard",
        "bridge",
        (
            "What is the population of the capital of the country where {airport} lies?",
            "{airport} lies in a country whose capital has what population?",
            "How large is the population of the capital of the country that {airport} is in?",
            "Give the population of the capital of the country of {airport}.",
        ),
    ),
    "capital_airport_code": Kind(
        "hard",
        "bridge",
        (
            "What is the IATA code of the airport of {country}'s capital?",
            "Which IATA code does the airport of the capital of {country} have?",
            "The airport of the capital of {country} has which IATA code?",
            "Give the IATA code of the airport that the capital of {country} uses.",
        ),
    ),
    "larger_capital": Kind(
        "hard",
        "comparison",
        (
            "Which country has the capital with the larger population, {first} or {second}?",
            "Does {first} or {second} have the capital with the larger population?",
            "Of the countries {first} and {second}, whose capital has the larger population?",
            "{first} or {second}: the capital of which country has the larger population?",
        ),
    ),
    "same_currency": Kind(
        "hard",
        "comparison",
        (
            "Do the countries of {first} and {second} have the same currency?",
            "Is the currency the same in the countries where {first} and {second} lie?",
            "{first} and {second} lie in two countries: do these have the same currency?",
            "Is the currency of the country of {first} the same as that of the country of {second}?",
        ),
    ),
}
