"""Contents for the recorded pages; each split has words of its own, so no test task names what a train task named.

>>> contents("train", random.Random(1))["product3"]
'Copper Reading Lamp'
"""

import random
from collections.abc import Mapping

from agenttuning.environments.name_lists import all_names
from agenttuning.trajectory import Split

# adjectives; materials; things; categories of a shop
_GOODS: Mapping[Split, tuple[str, str, str, str]] = {
    "train": (
        "Classic Slim Folding Compact Striped Round Sturdy Portable Soft Deluxe Mini Plain",
        "Copper Walnut Cotton Leather Glass Bamboo Steel Ceramic Linen Rubber",
        "Lamp Chair Backpack Kettle Wallet Blanket Clock Mug Notebook Umbrella Speaker Vase",
        "Lighting Kitchen Bags Bedroom Office Garden Bathroom Stationery Audio Seating",
    ),
    "dev": (
        "Rustic Padded Foldaway Glossy Square Heavy Narrow Travel",
        "Brass Cork Denim Granite Wicker Silk",
        "Stool Teapot Curtain Suitcase Mirror Pillow Toaster Basket",
        "Luggage Windows Breakfast Hallway Textiles Storage",
    ),
    "test": (
        "Vintage Adjustable Waterproof Oval Quilted Modular Ribbed Stackable Thermal Retro Foam Wireless",
        "Oak Titanium Velvet Marble Hemp Nylon Pine Porcelain Suede Carbon",
        "Desk Helmet Tent Blender Scarf Keyboard Rug Bottle Jacket Drill Guitar Pan",
        "Camping Cycling Music Tools Outdoor Clothing Workshop Flooring Computing Winter",
    ),
}
_SHOPS: Mapping[Split, str] = {
    "train": "Hartwell Brightside Marlow Greenleaf Pemberton Cornerhouse Bellamy Larkhill Ridgeway Sunbury",
    "dev": "Fairweather Quayside Thornbury Millgate",
    "test": "Oakhurst Silverdale Kestrel Northgate Wetherby Ashgrove Castleton Rivermead",
}
# parts of a program; what is wrong with them; keywords; organisations
_ISSUES: Mapping[Split, tuple[str, str, str, str]] = {
    "train": (
        "Login page|Export dialog|Search index|Mail gateway|Report view|Upload form|Start screen|Print preview|"
        "Settings panel|Calendar",
        "crashes on empty input|is very slow|shows the wrong date|ignores the filter|loses unsaved text|"
        "needs a progress bar|hides the last row|fails behind a proxy",
        "interface database network printing install email charts accounts backup forms",
        "Acorn Labs|Blue Harbour|Delta Works|Greyfield|Lantern Press|Summit Group",
    ),
    "dev": (
        "Address book|Chat window|Tax module|Image viewer|Sync service|Zoom tool",
        "freezes after an update|duplicates entries|has no keyboard shortcut|forgets its size|rejects long names",
        "images billing locale offline sharing macros",
        "Copperline|Juniper House|Orchard Systems|Pike and Sons",
    ),
    "test": (
        "Map layer|Password reset|Invoice template|Audio player|Plugin manager|Data import|Side menu|Version history|"
        "Spell checker|Dashboard widget",
        "overflows on small screens|times out at midnight|drops accented letters|opens twice|sorts numbers as text|"
        "leaks memory|should remember the last choice|breaks in dark mode",
        "security mobile parser layout upgrade audio permissions cache unicode translation",
        "Falcon Partners|Helix Studio|Maple Street|Quartz Media|Tidewater|Vega Institute",
    ),
}
_SAID: Mapping[Split, tuple[str, str, str]] = {  # notes on an issue; titles of a review; what it says
    "train": (
        "I can repeat this every time.|A fix is on the way.|Please attach the log file.|This began last week.|"
        "The customer asked again today.|It works after a restart.",
        "Very happy|Good value|Not for me|Better than expected|A fine gift",
        "It arrived quickly and looks just as shown.|The colour is nicer than in the picture.|"
        "It broke after two weeks.|My family uses it every day.",
    ),
    "dev": (
        "Waiting for the supplier.|Two other users see it as well.|Tested on the old server.|Moved from the mail list.",
        "Would buy again|Too small|Solid work|Poor packing",
        "The handle feels loose.|It fits the shelf exactly.|I use it at work and at home.",
    ),
    "test": (
        "Only the new release is affected.|I have a patch for review.|The manual says otherwise.|"
        "Happens with large files only.|Closing soon if nobody objects.|Reported by phone this morning.",
        "Simply excellent|Waste of money|Does the job|Surprisingly light|Second purchase",
        "The instructions were easy to follow.|One screw was missing from the box.|"
        "It survived a whole season in the rain.|The seam came apart on the first day.",
    ),
}
_STREETS: Mapping[Split, str] = {
    "train": "Mill Church Station Garden Bridge School Market Abbey",
    "dev": "Canal Chapel Meadow Tower",
    "test": "Harbour Victoria Foundry Cathedral Elm Priory Quarry Regent",
}
_CODES: Mapping[Split, str] = {
    "train": "SAVE GIFT HELLO SPRING",
    "dev": "BONUS EXTRA",
    "test": "THANKS WINTER LUCKY DEAL",
}
_SECRETS: Mapping[Split, str] = {
    "train": "maple tiger candle rocket pepper violet",
    "dev": "anchor button cherry",
    "test": "falcon marble ginger comet willow pirate",
}


def contents(split: Split, dice: random.Random) -> dict[str, str]:
    """A value for every slot that a page or a goal may have, drawn from the words of the split."""
    adjectives, materials, things, categories = (part.split() for part in _GOODS[split])
    parts, faults, keywords, companies = _ISSUES[split]
    notes, headlines, opinions = (part.split("|") for part in _SAID[split])
    people = dice.sample(all_names("person", split), 6)
    logins = [_login(name) for name in people]
    first, last = people[4].split()
    place = dice.choice(all_names("place", split))
    secrets = [f"{word}{dice.randint(10, 99)}" for word in dice.sample(_SECRETS[split].split(), 2)]
    found = {
        "shop": dice.choice(_SHOPS[split].split()),
        "tracker": dice.choice(_SHOPS[split].split()) + " Tracker",
        "email": f"{_login(people[5])}@example.org",
        "new_email": f"{_login(people[4])}@example.com",
        "first": first,
        "last": last,
        "person": people[4],
        "login": _login(people[4]),
        "password": secrets[0],
        "new_password": secrets[1],
        "street": f"{dice.randint(1, 98)} {dice.choice(_STREETS[split].split())} Street",
        "town": place,
        "postcode": f"{dice.randint(10, 98)}{dice.randint(100, 999)}",
        "voucher": f"{dice.choice(_CODES[split].split())}{dice.randint(5, 60)}",
        "quantity": str(dice.randint(2, 12)),
        "number": str(dice.randint(1, 8)),
        "phone": f"0{dice.randint(20, 79)} {dice.randint(100, 999)} {dice.randint(1000, 9999)}",
        "company": dice.choice(companies.split("|")),
        "headline": dice.choice(headlines),
        "opinion": dice.choice(opinions),
        "comment": dice.choice(notes),
        "time": f"2026-0{dice.randint(1, 9)}-{dice.randint(10, 28)} {dice.randint(10, 23)}:{dice.randint(10, 59)}",
        "ago": f"{dice.randint(2, 9)} days ago",
    }
    names = {f"{a} {b} {c}" for a in adjectives for b in materials for c in things}
    products = dice.sample(sorted(names), 9)
    for number, product in enumerate(products, start=1):
        pounds, pence = dice.randint(4, 220), dice.choice((0, 25, 49, 50, 75, 95, 99))
        found |= {f"product{number}": product, f"price{number}": f"{pounds}.{pence:02}"}
        found[f"text{number}"] = f"{product}, {dice.choice(('as good as new', 'made to last', 'our own design'))}."
    titles = [f"{part} {fault}" for part in parts.split("|") for fault in faults.split("|")]
    issues = dice.sample(titles, 9)
    words = dice.sample(keywords.split(), 5)
    found |= {f"category{n}": name for n, name in enumerate(dice.sample(categories, 5), start=1)}
    found |= {f"issue{n}": title for n, title in enumerate(issues[:8], start=1)}
    found |= {f"keyword{n}": word for n, word in enumerate(words[:4], start=1)}
    found |= {f"user{n}": name for n, name in enumerate(logins[:4], start=1)}
    found |= {f"name{n}": name for n, name in enumerate(people[:4], start=1)}
    return found | {
        "new_title": issues[8],
        "new_keyword": words[4],
        "phrase": " ".join(issues[0].split()[:2]).lower(),
        "total": _total(found),
    }


def _login(name: str) -> str:
    first, _, last = name.lower().partition(" ")
    return f"{first}.{last}"


def _total(found: Mapping[str, str]) -> str:
    """What the basket comes to: the recorded visits put the third product there."""
    return f"{float(found['price3']) * int(found['quantity']):,.2f}"
