"""Built-in tasks: a step of a recorded visit, with seeded contents in the page, the goal and the gold action.

Clicks, typing and selecting are drawn first, so that all three are frequent; then the flow, then the step.

>>> generate("train", seed=0, number=0).goal
'Search the shop Hartwell for Copper Reading Lamp, open it and put it in the basket.'
"""

import random
from functools import cache
from typing import Any

from agenttuning.environments.mind2web.candidates import choice_text, groups, lexical_ranks, top
from agenttuning.environments.mind2web.flows import FLOWS
from agenttuning.environments.mind2web.page import Page, parse
from agenttuning.environments.mind2web.templates import SITES, Recorded, Site, Step, fill, load
from agenttuning.environments.site_contents import contents
from agenttuning.trajectory import Split, Task

OPERATIONS = {"CLICK": 0.4, "TYPE": 0.35, "SELECT": 0.25}
EASY = 0.4  # the share of tasks with one group of candidates
FAR = 3  # steps before this one, from which on a task is hard
BUDGET = 130  # tokens of a page
NO_CHOICE = ("don't care", "not resolved", "not selected", "admin", "anonymous")  # options that nobody asks for


def generate(split: Split, seed: int, number: int) -> Task:
    dice = random.Random(f"{split}/{seed}/{number}")
    operation = dice.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
    site, name, place = dice.choice(dice.choice(_places(split, operation)))
    words = contents(split, dice)
    recorded = load(site).flows[name]
    step = recorded.steps[place]
    gold, about = _target(step, recorded, words, dice)
    _choose_options(name, recorded, place, words, dice)
    page, identities = _page(load(site), step, words)
    goal = fill(dice.choice(FLOWS[name].wordings), words)
    level = "easy" if dice.random() < EASY else "medium"
    chosen = top(lexical_ranks(page, identities, goal), gold, 5 if level == "easy" else 10, forced=True)
    if level == "medium" and (place >= FAR or _has_twin(page, chosen, gold)):
        level = "hard"
    data: dict[str, Any] = {
        "level": level,
        "kind": name,
        "previous": [_told(earlier, words) for earlier in recorded.steps[:place]],
        "groups": groups(page, chosen, BUDGET, dice, goal),
        "gold": {
            "elements": list(gold),
            "operation": step.operation,
            "value": words[step.slot] if step.slot else "",
            "name": fill(step.name, words),
            "about": about,
        },
    }
    return Task("mind2web", f"{split}-{seed}-{number:06d}", split, goal, data)


@cache
def _places(split: Split, operation: str) -> list[list[tuple[str, str, int]]]:
    """(site, flow, number of the step) for each step of a flow that has such an operation, flow by flow."""
    found = []
    for site in SITES:
        for name, recorded in load(site).flows.items():
            steps = [(site, name, i) for i, step in enumerate(recorded.steps) if step.operation == operation]
            if steps and split in FLOWS[name].splits:
                found.append(steps)
    return found


def _target(step: Step, recorded: Recorded, words: dict[str, str], dice: random.Random) -> tuple[tuple[str, ...], str]:
    """The right elements, and what they are about where their own name does not say it; sets the targets' words.

    On a page that lists products the task may mean any of them, not only the one of the recorded visit.
    """
    targets = {kind: f"{kind}{number}" for kind, number in recorded.targets.items()}
    gold, about = step.elements, ""
    if step.places and len(step.places) > 1:
        slot = dice.choice(sorted(step.places))
        kind = slot.rstrip("0123456789")
        targets[kind], gold = slot, step.places[slot]
        about = words[slot] if "{" not in step.name else ""
    words |= {kind: words[slot] for kind, slot in targets.items()}
    return gold, about


def _choose_options(name: str, recorded: Recorded, place: int, words: dict[str, str], dice: random.Random) -> None:
    """A value for the slot of each list; a list whose choice shows on later pages keeps the recorded one there."""
    for number, step in enumerate(recorded.steps):
        if step.operation == "SELECT":
            kept = step.slot in FLOWS[name].kept and number < place
            asked = [o for o in step.options if not o.startswith("-") and o not in NO_CHOICE and o != "Relevancy"]
            words[step.slot] = fill(step.chosen if kept else dice.choice(asked), words)


def _page(site: Site, step: Step, words: dict[str, str]) -> tuple[Page, tuple[str, ...]]:
    html, identities = site.pages[step.page]
    page = parse(fill(html, words, markup=True))
    for identity, value in (step.values or {}).items():
        node = page.by_id[identity]
        node.attributes = {**node.attributes, "input_value": fill(value, words)}
    return page, identities


def _has_twin(page: Page, chosen: list[str], gold: tuple[str, ...]) -> bool:
    """Whether a wrong candidate reads like the right one."""
    texts = [choice_text(page.by_id[identity]) for identity in chosen if identity not in gold]
    return any(choice_text(page.by_id[identity]) in texts for identity in gold if identity in chosen)


def _told(step: Step, words: dict[str, str]) -> str:
    """An action as the benchmark's `action_reprs` tell it."""
    value = f": {words[step.slot]}" if step.slot else ""
    return f"[{step.role}] {fill(step.name, words)} -> {step.operation}{value}"
