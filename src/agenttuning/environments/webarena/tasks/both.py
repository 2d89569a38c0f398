"""Tasks over two sites at once, each in a tab: what the wiki says goes into the tracker.

>>> TEMPLATES[0].make(contents("train"), random.Random(1)).intent
'Find out in the wiki when the Ashton Lighthouse was built, and add the year as a note to issue 4 of the tracker.'
"""

import random
from collections.abc import Mapping
from typing import Any

from agenttuning.environments.webarena.tasks.template import (
    Contents,
    Made,
    Step,
    Template,
    click,
    enter,
    fill,
    page_has,
    part,
    press,
    stop,
)

TRACKER: Step = {"do": "tab_focus", "tab": 1}


def _read(article: Mapping[str, Any]) -> tuple[Step, ...]:
    return enter("Search", article["title"], role="searchbox"), click("link", article["title"], part=True)


def _open(number: int) -> Step:
    return enter("", str(number), after="Show issue", why=f"Issue {number} can be opened by its number.")


def note_year(contents: Contents, dice: random.Random) -> Made:
    article = dice.choice(contents["wiki"]["articles"])
    asked = f"Find out in the wiki when the {article['title']} was built, and add the year"
    return _noted(contents, dice, article, asked, str(article["year"]), "It was built in {}; that is the note.")


def note_size(contents: Contents, dice: random.Random) -> Made:
    wiki, article = contents["wiki"], dice.choice(contents["wiki"]["articles"])
    about = f"the {wiki['what']} of the {article['title']} is in {wiki['unit']}"
    asked = f"Look up in the wiki what {about}, and add the number"
    return _noted(contents, dice, article, asked, str(article["size"]), "The article says {}; that is the note.")


def _noted(
    contents: Contents, dice: random.Random, article: Mapping[str, Any], asked: str, value: str, why: str
) -> Made:
    """What an article says becomes a note of an issue."""
    number = dice.randint(1, len(contents["tracker"]["issues"]))
    steps = (
        *_read(article), TRACKER, _open(number), fill("", value, after="Change Note", why=why.format(value)),
        press("Submit Changes"), stop(),
    )  # fmt: skip
    locator = "[...document.querySelectorAll('table.messages td.content')].map(cell => cell.innerText).join(' ')"
    checked = page_has(part(f"__TRACKER__/issue{number}", locator, value))
    return Made(f"{asked} as a note to issue {number} of the tracker.", checked, steps, True)


def title_person(contents: Contents, dice: random.Random) -> Made:
    wiki, article = contents["wiki"], dice.choice(contents["wiki"]["articles"])
    title = f"Ask {article['person']}"
    intent = (
        f"Somebody has to talk to the first {wiki['person']} of the {article['title']}. Look the name up in the wiki, "
        'and file an issue in the tracker with the title "Ask" and the name, and the priority wish.'
    )
    why = f"The wiki gives the name: the title is {title!r}."
    steps = (
        *_read(article), TRACKER, click("link", "Create New"), fill("", title, after="Title", why=why),
        fill("", "wish", role="combobox", after="Priority", why="The priority is to be wish."),
        press("Submit New Entry"), stop(),
    )  # fmt: skip
    place = f"__TRACKER__/issue{len(contents['tracker']['issues']) + 1}"
    checks = page_has(
        part(place, "document.querySelector('input[name=title]').value", title, exact=True),
        part(place, "document.querySelector('select[name=priority]').selectedOptions[0].text", "wish"),
    )
    return Made(intent, checks, steps, True)


TEMPLATES = (
    Template("year into a note", "wiki+tracker", "hard", note_year),
    Template("size into a note", "wiki+tracker", "hard", note_size),
    Template("person into an issue", "wiki+tracker", "hard", title_person),
)
