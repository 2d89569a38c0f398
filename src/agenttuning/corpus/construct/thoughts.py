"""Thoughts for a statement and an answer that are known: AgentTuning's first way of deriving a trajectory.

The teacher sees question, statement and result, and writes what an agent would have thought before each of its two
turns. It knows too much: of AgentInstruct's 538 database records 232 end in words like "returned the expected
answer". So a thought that speaks of what it cannot know yet is refused, by the lint's rules and some of its own.

>>> thoughts_of(reply)
('I filter the ships by crew and order them by length.', 'The two names are the answer.')
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from agenttuning.conversation import Conversation, system, user
from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.reply import json_of, text_field
from agenttuning.corpus.lint.rules import RULES
from agenttuning.corpus.lint.view import View
from agenttuning.engines.base import Reply
from agenttuning.trajectory import Trajectory

SHORTEST, LONGEST = 10, 800  # characters of a thought
MAX_TOKENS = 400
_CHECKED = ("hindsight", "observation-in-answer", "refusal", "control-characters", "mojibake")
_TOLD = re.compile(
    r"\b(?:reference|provided|given|gold|supplied)\s+(?:sql|query|statement|answer|solution|result)", re.I
)

_RULES = """\
An agent answers questions about a MySQL database. It runs one statement, reads the result, and answers. You know what \
it did; write what it thought, in its own words, in the first person and in the present.

Reply with one JSON object and nothing else: {"before": "...", "after": "..."}

- before: one to three sentences before the statement: which tables and columns the question needs, and how the \
statement finds the answer. It does not know the result yet, so it says nothing of it.
- after: one sentence after the result has come, before the answer: what the result says about the question.

The agent found the statement itself: never speak of a reference, of a given query, or of what is expected."""


def asking(opening: str, evidence: str, sql: str, observation: str) -> Conversation:
    hint = f"\nHint: {evidence}" if evidence and evidence not in opening else ""
    text = f"{opening}{hint}\n\nStatement: {sql}\n\nResult: {observation}"
    return Conversation((system(_RULES), user(text)))


def thoughts_of(reply: Reply) -> tuple[str, str]:
    """The two thoughts of a reply. Raises Refused."""
    value = json_of(reply)
    out = []
    for name in ("before", "after"):
        text = text_field(value, name, most=LONGEST)
        if len(text) < SHORTEST:
            raise Refused("thoughts", f"{name}: {text!r}")
        if _TOLD.search(text):
            raise Refused("hindsight", f"{name}: {text}")
        out.append(text)
    return out[0], out[1]


def check(trajectory: Trajectory, answer: Sequence[Any]) -> None:
    """Raises Refused where a thought knows the answer too early, or a rule of the lint finds a fault."""
    decision = trajectory.steps[0].decision
    first = (decision.thought or "").casefold()
    arguments = dict(decision.call.arguments) if decision.call else {}
    known = f"{trajectory.opening} {json.dumps(arguments, ensure_ascii=False)}".casefold()
    for value in answer:
        text = str(value).casefold()
        if len(text) > 2 and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", first) and text not in known:
            raise Refused("hindsight", f"before the result: {decision.thought}")
    view = View(trajectory)
    for name in _CHECKED:
        for _, seen in RULES[name].start()(view) if name in RULES else ():
            raise Refused("hindsight" if name == "hindsight" else "thoughts", f"{name}: {seen}")
