"""Format-following samples: one step, asked for in ReAct, JSON or plain words, and answered in that form exactly.

Agent-FLAN adds about 2,000 samples of this kind beside its chat-aligned corpus, so that a model that no longer
trains on a format everywhere still writes one when asked (arXiv 2403.12881 §3.1).

>>> for form, row in format_following(trajectories, count=300, seed=0):
...     row.messages[-1].text
'{"thought": "Count the rows.", "tool": "execute_sql", "arguments": {"query": "SELECT COUNT(*) FROM town"}}'
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from agenttuning.conversation import Conversation, Message, Segment, assistant, system, user
from agenttuning.corpus.form_requests import PLAIN_CALLS, REQUESTS, SO_FAR
from agenttuning.corpus.sampling import allot, check_rereadable, draw, material
from agenttuning.dialects.json import Json
from agenttuning.dialects.react import React
from agenttuning.errors import BadInput
from agenttuning.provenance import PROVENANCE, made_of, marked
from agenttuning.settings import suggest
from agenttuning.trajectory import Decision, Step, Tool, Trajectory

FORMS = ("react", "json", "plain")
_WRITERS = {"react": React(), "json": Json()}
EVENLY: Mapping[str, float] = dict.fromkeys(FORMS, 1.0)


def format_following(
    trajectories: Iterable[Trajectory], *, count: int, seed: int, forms: Mapping[str, float] = EVENLY
) -> Iterator[tuple[str, Conversation]]:
    """(form, row) in the order of the trajectories, `count` in all, by the weights in `forms`.

    `trajectories` is read once to count those with a step that has a thought and a call to learn from, then once for
    each time that the rows use them up; none is held. A row has no system prompt that names another form: the
    episode so far stands in one message or as a talk in plain words, and the last message says which form is wanted.
    The whole answer is trained: a form's own words as instruction_following, thought, tool and arguments as what they
    are; what joins the parts of a plain sentence belongs to the part that it leads to.

    Raises BadInput for an unknown form, for a source that can be read once only, and where no step can be used.
    """
    for form in forms:
        if form not in FORMS:
            raise BadInput(f"unknown form {form!r}; {suggest(form, FORMS)}")
    if count < 0:
        raise BadInput(f"a count of rows is 0 or more, found {count}")
    wanted = {form: forms[form] for form in FORMS if forms.get(form)}
    counts = allot(wanted, count)
    check_rereadable(trajectories)
    return _rows(trajectories, counts, seed)


def _rows(
    trajectories: Iterable[Trajectory], counts: Mapping[str, int], seed: int
) -> Iterator[tuple[str, Conversation]]:
    def serving(trajectory: Trajectory) -> Iterable[str]:
        return counts if _steps(trajectory) else ()

    available = material(trajectories, serving)
    if not available:
        raise BadInput("no trajectory has a step with a thought and a call to learn from")
    made = dict.fromkeys(counts, 0)
    for form, trajectory in draw(trajectories, counts, available, serving, seed=f"format/{seed}"):
        random = Random(f"format/{seed}/{form}/{made[form]}/{'/'.join(map(str, trajectory.key))}")
        row = _row(form, trajectory, random)
        environment, task, episode = trajectory.key
        meta: dict[str, Any] = {"environment": environment, "kind": form, "source": f"{environment}/{task}/{episode}"}
        meta[PROVENANCE] = made_of(trajectory)
        row = replace(row, id=f"format/{form}/{made[form]:06}", meta=meta)
        yield form, marked(row, f"format-following {form}")
        made[form] += 1


def _steps(trajectory: Trajectory) -> list[int]:
    tools = {tool.name for tool in trajectory.tools}
    return [
        i
        for i, step in enumerate(trajectory.steps)
        if step.train
        and step.error is None
        and step.decision.thought
        and step.decision.call
        and step.decision.call.name in tools
    ]


def _row(form: str, trajectory: Trajectory, random: Random) -> Conversation:
    at = random.choice(_steps(trajectory))
    request = REQUESTS[form].draw(random)[1]
    before = trajectory.steps[:at]
    context = _as_text if random.random() < 0.5 else _as_talk
    answered = _answer(form, trajectory.steps[at].decision, trajectory.tools, random)
    return Conversation((*context(trajectory, before, request, random), answered))


def _answer(form: str, decision: Decision, tools: Sequence[Tool], random: Random) -> Message:
    """The decision in that form, all of it trained."""
    writer = _WRITERS.get(form)
    if writer is None:
        return assistant(*plain_segments(decision, random))
    return writer.turn(Step(decision), tools, verbatim=False)


def plain_segments(decision: Decision, random: Random) -> tuple[Segment, ...]:
    """Thought and call as sentences, each segment with its capability."""
    thought = (Segment(decision.thought, True, "reasoning"),) if decision.thought else ()
    call = decision.call
    if call is None:
        space = " " if thought else ""
        return (*thought, Segment(space + (decision.message or ""), True, "reasoning"))
    lead, joint, shape, end = random.choice(PLAIN_CALLS)
    space = " " if thought else ""
    parts = [shape.format_map({"name": name, "value": _spoken(value)}) for name, value in call.arguments.items()]
    told = joint + _listed(parts) + end if parts else end
    return (
        *thought,
        Segment(space + lead + call.name, True, "retrieval"),
        Segment(told, True, "understanding" if parts else "retrieval"),
    )


def _spoken(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _tools(trajectory: Trajectory) -> str:
    lines = [f"- {tool.name} ({', '.join(tool.arguments)}): {tool.description}" for tool in trajectory.tools]
    return "Tools:\n" + "\n".join(lines)


def _as_text(trajectory: Trajectory, before: Sequence[Step], request: str, random: Random) -> tuple[Message, ...]:
    """Everything in one message."""
    parts = [f"{trajectory.instructions}\n\n{_tools(trajectory)}", trajectory.opening]
    if before:
        told = [f"{n}. {_told(step, random)}\n   It gave: {step.observation}" for n, step in enumerate(before, start=1)]
        parts.append("\n".join([random.choice(SO_FAR), *told]))
    return (user("\n\n".join([*parts, request])),)


def _as_talk(trajectory: Trajectory, before: Sequence[Step], request: str, random: Random) -> tuple[Message, ...]:
    """The steps so far as turns in plain words, none of them trained."""
    messages = [system(f"{trajectory.instructions}\n\n{_tools(trajectory)}")]
    heard = trajectory.opening
    for step in before:
        messages += [user(heard), assistant(Segment(_told(step, random)))]
        heard = step.observation or "(nothing)"
    return (*messages, user(f"{heard}\n\n{request}"))


def _told(step: Step, random: Random) -> str:
    if step.decision.call is None and step.decision.message is None:
        return (step.written or "").strip() or "(nothing)"
    return "".join(segment.text for segment in plain_segments(step.decision, random))
