"""What a run would take, without asking anybody: calls, tokens, dollars, and the first prompt.

Between two ends: every candidate is kept, or none is and the teacher writes as many as it may. Replies are counted at
their limit of tokens, prompts by the first one's size.

>>> estimate(config, "database", Path("made.replies"), seed=0)["calls"]
{'least': 200, 'most': 2000}
"""

from pathlib import Path
from typing import Any

from agenttuning.budget import Prices
from agenttuning.conversation import Conversation
from agenttuning.corpus.construct import construct
from agenttuning.corpus.construct.config import ConstructConfig, Subject
from agenttuning.corpus.construct.self_instruct import SOLVER_TOKENS, first_prompt
from agenttuning.tables import aligned

CHARACTERS_A_TOKEN = 4
SOLVER_PROMPT, THOUGHTS_PROMPT, TURN_PROMPT = 300, 500, 900  # tokens, as they come on average
TURNS = 4  # that a question about tables takes


def estimate(config: ConstructConfig, subject: Subject, replies: Path, *, seed: int) -> dict[str, Any]:
    """`stored` are the replies that are paid for already, of whatever run in that folder."""
    construct.check(config, subject)
    prompt = None
    if config.source is None:
        world = construct.make_world(subject)
        prompt = first_prompt(config, world, construct.begun_pool(config, world, seed), seed)
        asked = _size(prompt)
        shares = {"write": (asked, config.max_tokens, config.endpoint.prices)}
        shares["solve"] = (SOLVER_PROMPT, SOLVER_TOKENS, config.solving.prices)
        most = config.most
    else:
        of = construct.sql_set(config)
        most = min(config.most, sum(1 for _ in of.questions()))
        if config.way == "annotate":
            from agenttuning.corpus.construct.thoughts import MAX_TOKENS

            shares = {"thoughts": (THOUGHTS_PROMPT, MAX_TOKENS, config.endpoint.prices)}
        else:
            most = min(config.tasks, most)
            shares = {"act": (TURNS * TURN_PROMPT, TURNS * config.max_tokens, config.endpoint.prices)}
    least = min(config.tasks, most)
    calls = TURNS if "act" in shares else 1
    with construct.teachers(config, replies) as staff:
        stored = staff.spending()["total"]
    out = {
        "tasks": config.tasks,
        "calls": {end: count * len(shares) * calls for end, count in (("least", least), ("most", most))},
        "tokens": {end: count * _tokens(shares) for end, count in (("least", least), ("most", most))},
        "usd": {end: round(count * _usd(shares), 4) for end, count in (("least", least), ("most", most))},
        "budget": {"tokens": config.budget_tokens, "usd": config.budget_usd},
        "stored": stored,
    }
    first = [] if prompt is None else [{"role": one.role, "content": one.text} for one in prompt.messages]
    return out | {"first_prompt": first}


def told(found: dict[str, Any]) -> str:
    rows = [["", "at least", "at most"]]
    for name in ("calls", "tokens", "usd"):
        rows.append([name, *(f"{found[name][end]:,}" for end in ("least", "most"))])
    budget = ", ".join(f"{value:g} {name}" for name, value in found["budget"].items() if value is not None)
    lines = [aligned(rows), f"budget: {budget or 'none'}; stored already: {found['stored']['calls']} replies"]
    for message in found["first_prompt"]:
        lines += ["", f"[{message['role']}]", message["content"]]
    return "\n".join(lines)


def _size(prompt: Conversation) -> int:
    return sum(len(message.text) for message in prompt.messages) // CHARACTERS_A_TOKEN


def _tokens(shares: dict[str, tuple[int, int, Prices]]) -> int:
    return sum(prompt + reply for prompt, reply, _ in shares.values())


def _usd(shares: dict[str, tuple[int, int, Prices]]) -> float:
    return sum(price.usd(prompt, reply) for prompt, reply, price in shares.values())
