"""What the built-in sites hold: a shop's products and orders, a tracker's issues, a wiki's articles.

Each split has sites with contents of its own; they are the same on every machine.

>>> contents("train")["shop"]["products"][0]["title"]
'Classic Walnut Kettle'
"""

import random
from functools import cache
from typing import Any

from agenttuning.environments.site_contents import contents as words
from agenttuning.trajectory import Split

PASSWORD = "correct-horse-7"
STATUSES = ("unread", "chatting", "need-eg", "in-progress", "testing", "deferred")  # of an issue
PRIORITIES = ("critical", "urgent", "bug", "feature", "wish")
ORDER_STATUSES = ("Pending", "Being processed", "Shipped", "Cancelled")
PER_CATEGORY = 4
_COUNTRIES = {"train": "France", "dev": "Sweden", "test": "Portugal"}
_TOPICS = {  # what the wiki's articles are about: kind, what is told, the sentence
    "train": ("lighthouse", "height", "metres", "keeper"),
    "dev": ("windmill", "age", "years", "miller"),
    "test": ("footbridge", "length", "metres", "engineer"),
}
_ABSENT = {  # what no shop sells
    "train": ("Grand Piano", "Zebra Saddle", "Moon Globe"),
    "dev": ("Harp Case", "Canoe Paddle"),
    "test": ("Submarine Kit", "Church Organ", "Windsurf Board", "Snow Plough"),
}
_DAYS = ("Mondays", "Fridays", "Sundays")
_PARTS = {"train": ("History", "Visiting"), "dev": ("Story", "Opening hours"), "test": ("Construction", "Access")}


@cache
def contents(split: Split) -> dict[str, Any]:
    """Plain values, by site."""
    dice = random.Random(f"arena {split}")
    draws = [words(split, dice) for _ in range(4)]
    return {
        "shop": {**_shop(draws, dice), "absent": _ABSENT[split]},
        "tracker": _tracker(draws, dice),
        "wiki": _wiki(draws, dice, split),
        "country": _COUNTRIES[split],
    }


def _shop(draws: list[dict[str, str]], dice: random.Random) -> dict[str, Any]:
    first = draws[0]
    categories = [first[f"category{n}"] for n in range(1, 5)]
    titles = list(dict.fromkeys(draw[f"product{n}"] for draw in draws for n in range(1, 10)))
    prices = dice.sample(range(6, 240), PER_CATEGORY * len(categories))
    products = []
    for i, pounds in enumerate(prices):
        products.append(
            {
                "title": titles[i],
                "category": categories[i % len(categories)],
                "price": f"{pounds}.{dice.choice((0, 25, 49, 75, 99)):02}",
                "stock": dice.randint(2, 90),
                "upc": f"{dice.randint(10**5, 10**6 - 1)}",
                "text": f"{titles[i]}, {dice.choice(('made to last', 'our own design', 'a fine gift'))}. "
                f"Weight {dice.randint(2, 95) / 10:.1f} kg.",
            }
        )
    reviews = []
    for product, draw in zip(products[:6], (draws * 2)[:6], strict=True):
        reviews.append({"product": product["title"], "title": draw["headline"], "score": dice.randint(1, 5),
                        "body": draw["opinion"], "name": draw["name1"]})  # fmt: skip
    customers = [{"first": draw["first"], "last": draw["last"], "email": draw["email"]} for draw in draws]
    numbers = dice.sample(range(100_010, 100_990), 8)
    orders = []
    for i, number in enumerate(sorted(numbers)):
        product = products[dice.randrange(len(products))]
        orders.append(
            {
                "number": str(number),
                "customer": 0 if i % 2 == 0 else 1 + i // 2 % 3,
                "product": product["title"],
                "quantity": dice.randint(1, 4),
                "price": product["price"],
                "status": ORDER_STATUSES[dice.randrange(3)],
                "date": f"2025-{1 + i:02}-{dice.randint(2, 27):02}",
            }
        )
    partners = list(dict.fromkeys(draw["company"] for draw in draws))
    return {"name": first["shop"], "categories": categories, "products": products, "reviews": reviews,
            "customers": customers, "orders": orders, "partners": partners}  # fmt: skip


def _tracker(draws: list[dict[str, str]], dice: random.Random) -> dict[str, Any]:
    first = draws[0]
    users = [{"login": first[f"user{n}"], "name": first[f"name{n}"]} for n in range(1, 5)]
    titles = list(dict.fromkeys(draw[f"issue{n}"] for draw in draws for n in range(1, 9)))[:14]
    keywords = [first[f"keyword{n}"] for n in range(1, 5)]
    issues = []
    for i, title in enumerate(titles):
        issues.append(
            {
                "title": title,
                "status": dice.choice(STATUSES),
                "priority": dice.choice(PRIORITIES),
                "assignee": dice.choice([*(user["login"] for user in users), None]),
                "keyword": keywords[i % len(keywords)],
                "note": draws[i % len(draws)]["comment"],
            }
        )
    return {"name": first["tracker"], "users": users, "keywords": keywords, "issues": issues}


def _wiki(draws: list[dict[str, str]], dice: random.Random, split: Split) -> dict[str, Any]:
    kind, what, unit, person = _TOPICS[split]
    one, two = _PARTS[split]
    people = list(dict.fromkeys(draw[f"name{n}"] for draw in draws for n in range(1, 5)))
    towns = [draw["town"] for draw in (words(split, dice) for _ in range(30))]
    articles = []
    for i, town in enumerate(list(dict.fromkeys(towns))[:8]):
        size, year, name = dice.randint(12, 190), dice.randint(1790, 1979), people[i % len(people)]
        articles.append(
            {
                "title": f"{town} {kind.capitalize()}",
                "slug": f"{town}-{kind}".lower().replace(" ", "-").replace("'", ""),
                "size": size,
                "year": year,
                "person": name,
                "text": f"The {kind} of {town}. Its {what} is {size} {unit}.\n\n## {one}\n\nIt was built in {year}; "
                f"the first {person} was {name}.\n\n## {two}\n\nOpen on {dice.choice(_DAYS)}.",
            }
        )
    return {"name": f"{kind.capitalize()} wiki", "kind": kind, "what": what, "unit": unit, "person": person,
            "articles": articles}  # fmt: skip
