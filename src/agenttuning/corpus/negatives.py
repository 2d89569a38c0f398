"""Negative samples: where a tool is not there, not needed, not the right one, or short of an argument.

Agent-FLAN's corpora hold only (no tools, plain query) and (tools, a query that needs them); the two missing
quadrants are its negatives (arXiv 2403.12881 §3.4): `no-tools-needs-tools` and `tools-plain-query`. Beyond the paper
are `distractor`, `missing-argument` and `unknown-tool`. What is trained is the right behaviour.

>>> kinds = {"no-tools-needs-tools": 1, "tools-plain-query": 1, "distractor": 2}
>>> for kind, row in negatives(trajectories, general, kinds=kinds, count=400, dialect=get("react"), seed=0): ...
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from agenttuning.conversation import Conversation, Segment, assistant, user
from agenttuning.corpus.abilities import ability, name_words
from agenttuning.corpus.answer_forms import THOUGHTS
from agenttuning.corpus.answers import Teacher, answer, has_format_words
from agenttuning.corpus.distractors import Distractors, Pool, similarity
from agenttuning.corpus.exchange import first_exchange, shared, unended
from agenttuning.corpus.misnaming import misnamed
from agenttuning.corpus.omission import first_call, omit, omittable
from agenttuning.corpus.request_forms import ASKS, SETTINGS
from agenttuning.corpus.sampling import allot, check_rereadable, draw, material
from agenttuning.dialects import Dialect
from agenttuning.errors import BadInput
from agenttuning.provenance import PROVENANCE, made_of, marked
from agenttuning.settings import suggest
from agenttuning.trajectory import Decision, Step, Tool, Trajectory

KINDS = ("no-tools-needs-tools", "tools-plain-query", "distractor", "missing-argument", "unknown-tool")
QUOTED = 90  # characters of a query that an answer repeats
# Arguments whose names say nothing to a user.
_SPOKEN = dict.fromkeys(("entity", "input", "item", "object", "q", "query", "text", "value", "variable"), "name")


def negatives(
    trajectories: Iterable[Trajectory],
    general: Sequence[Conversation],
    *,
    kinds: Mapping[str, float],
    count: int,
    dialect: Dialect,
    seed: int,
    teacher: Teacher | None = None,
) -> Iterator[tuple[str, Conversation]]:
    """(kind, row) in the order of the trajectories, `count` in all, by the weights in `kinds`.

    `trajectories` is read several times: once to see what each can serve and which tools there are, then once for
    each time that the rows use the material up. None is held. Of a kind that nothing can serve (no argument
    stands in any goal, no general conversation is given) the others take the rows. What is asked with tools is
    written by `dialect`; without tools a row is plain chat. The same arguments give the same rows.

    A refusal or a question back is labelled instruction_following. A general answer keeps the `reasoning` that
    dialects give a message: that is never weighted down, and it is no exercise in format.

    Raises BadInput for an unknown kind, for a source that can be read once only, and where nothing can be made.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise BadInput(f"unknown kind of negative samples {kind!r}; {suggest(kind, KINDS)}")
    if count < 0:
        raise BadInput(f"a count of rows is 0 or more, found {count}")
    wanted = {kind: kinds[kind] for kind in KINDS if kinds.get(kind)}
    allot(wanted, count)
    check_rereadable(trajectories)
    return _rows(trajectories, general, wanted, count, dialect, seed, teacher)


def _rows(
    trajectories: Iterable[Trajectory],
    general: Sequence[Conversation],
    wanted: Mapping[str, float],
    count: int,
    dialect: Dialect,
    seed: int,
    teacher: Teacher | None,
) -> Iterator[tuple[str, Conversation]]:
    pool = Pool(seed)
    usable = [i for i, conversation in enumerate(general) if first_exchange(conversation) is not None]

    def serving(trajectory: Trajectory) -> list[str]:
        return [kind for kind in wanted if _SERVES[kind](trajectory) and (usable or kind != "tools-plain-query")]

    def surveyed(trajectory: Trajectory) -> list[str]:
        pool.add(trajectory)
        return serving(trajectory)

    available = material(trajectories, surveyed)
    possible = {kind: weight for kind, weight in wanted.items() if available[kind]}
    if not possible:
        raise BadInput(
            f"no trajectory can be made into {' or '.join(wanted)}; they need tools, a trained call and a goal, and "
            "tools-plain-query also a general conversation with an answer that is trained"
        )
    order = _endless(usable, seed)
    distractors = Distractors(pool.tools())
    made = dict.fromkeys(possible, 0)
    counts = allot(possible, count)
    for kind, trajectory in draw(trajectories, counts, available, serving, seed=f"negatives/{seed}"):
        number = made[kind]
        made[kind] += 1
        random = Random(f"negatives/{seed}/{kind}/{number}/{'/'.join(map(str, trajectory.key))}")
        maker = _Maker(kind, number, trajectory, random, dialect, distractors, teacher)
        if kind == "tools-plain-query":
            yield kind, maker.plain_query(general[next(order)])
        elif (row := _MAKES[kind](maker)) is not None:
            yield kind, row


def _endless(usable: Sequence[int], seed: int) -> Iterator[int]:
    """All of them in shuffled order, again and again."""
    again = 0
    while usable:
        order = list(usable)
        Random(f"negatives/{seed}/general/{again}").shuffle(order)
        yield from order
        again += 1


def _query(trajectory: Trajectory) -> str:
    return trajectory.task.goal.strip() or trajectory.opening.strip()


_SERVES: dict[str, Callable[[Trajectory], bool]] = {
    "no-tools-needs-tools": lambda t: first_call(t) is not None and bool(_query(t)),
    "tools-plain-query": lambda t: bool(t.tools),
    "distractor": lambda t: first_call(t) is not None,
    "missing-argument": lambda t: bool(omittable(t)),
    "unknown-tool": lambda t: bool(t.tools and _query(t)),
}


def _quoted(query: str) -> str:
    """The beginning of a query in quotation marks, for an answer to repeat."""
    line = query.strip().split("\n")[0]
    if len(line) > QUOTED:
        line = line[:QUOTED].rsplit(" ", 1)[0] + " …"
    line = line.rstrip(" .?!").replace('"', "'")
    return "your request" if not line or has_format_words(line) else f'"{line}"'


def _telling(tool: Tool) -> list[str]:
    """Words of which an answer about the tool holds one."""
    words = f"{ability(tool)} {name_words(tool.name)}".replace('"', "").split()
    return [word for word in words if len(word) > 3] or words


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes one row; `number` counts the rows of its kind from 0."""

    kind: str
    number: int
    source: Trajectory
    random: Random
    dialect: Dialect
    distractors: Distractors
    teacher: Teacher | None

    def no_tools(self) -> Conversation:
        """Half of the users bring the whole opening, such as the tables, half the goal alone."""
        found = first_call(self.source)
        assert found is not None
        _, _, tool = found
        text = _query(self.source)
        if self.random.random() < 0.5 and self.source.opening.strip():
            text = self.source.opening
        slots = {"do": ability(tool), "query": _quoted(_query(self.source))}
        said = answer(self.kind, slots, user(text), must=[_telling(tool)], random=self.random, teacher=self.teacher)
        segment = Segment(said.text, True, "instruction_following")
        return self._row(Conversation((user(text), assistant(segment))), needed=tool.name, form=said.form)

    def plain_query(self, general: Conversation) -> Conversation:
        """The trajectory's tools, every other time tools from anywhere; answered as the general conversation is."""
        exchange = first_exchange(general)
        assert exchange is not None
        query, text = exchange.query, exchange.answer
        if self.number % 2:
            phrases = any(tool.phrase for tool in self.source.tools)
            count = self.random.randint(2, 6)
            tools = self.distractors.unrelated(query, count=count, random=self.random, phrases=phrases)
            setting = SETTINGS.draw(self.random)[1]
        else:
            tools, setting = self.source.tools, self._setting(alone=True)
        instructions = f"{exchange.setting}\n\n{setting}" if exchange.setting else setting
        row = self._written(tools, instructions, query, Decision(message=text))
        if not exchange.whole:
            longer = self._written(tools, instructions, query, Decision(message=text + "x"))
            row = unended(row, shared(row.messages[-1].text, longer.messages[-1].text))
        return self._row(row, part=general, general=general.id)

    def distractor(self) -> Conversation | None:
        """By turns: near tools in place of the needed one and its companions, and near tools beside them; None where
        the query speaks of everything that there are tools for."""
        found = first_call(self.source)
        assert found is not None
        if self.number % 2:
            return self._beside()
        _, _, needed = found
        tools = self._near(needed, 3, 6)
        if not tools:
            return None
        nearest = max(tools, key=lambda tool: (similarity(needed, tool), tool.name))
        slots = {
            "do": ability(needed),
            "query": _quoted(_query(self.source)),
            "near": nearest.name,
            "near_does": ability(nearest),
        }
        row = self._refused(tools, self.source.opening, slots, [_telling(needed)])
        return replace(row, meta={**row.meta, "needed": needed.name, "given": False})

    def _beside(self) -> Conversation:
        """One call of the episode is made as before; what came before it is context."""
        names = {tool.name: tool for tool in self.source.tools}
        steps = self.source.steps
        calls = [
            i
            for i, step in enumerate(steps)
            if step.train and step.error is None and step.decision.call and step.decision.call.name in names
        ]
        at = self.random.choice(calls[:-1] or calls)
        decision = steps[at].decision
        assert decision.call is not None
        needed = names[decision.call.name]
        tools = [*self.source.tools, *self._near(needed, 2, 5)]
        self.random.shuffle(tools)
        before = tuple(replace(step, train=False) for step in steps[:at])
        setting = self._setting(alone=at == 0)
        row = self._written(tools, setting, self.source.opening, decision, before)
        return self._row(row, needed=needed.name, given=True)

    def _near(self, needed: Tool, least: int, most: int) -> tuple[Tool, ...]:
        return self.distractors.near(
            needed,
            query=f"{self.source.task.goal}\n{self.source.opening}",
            environment=self.source.task.environment,
            count=self.random.randint(least, most),
            random=self.random,
            beside=self.source.tools,
        )

    def missing_argument(self) -> Conversation:
        lacking = omit(self.source, self.random)
        what = _SPOKEN.get(lacking.argument.lower(), name_words(lacking.argument))
        slots = {"what": what, "gap": lacking.gap, "do": ability(lacking.tool), "tool": lacking.tool.name}
        must = [[what, lacking.gap.strip('"'), lacking.argument], ["?", "please", "tell me", "let me know", "need"]]
        row = self._refused(self.source.tools, lacking.opening, slots, must, never=lacking.value)
        return replace(row, meta={**row.meta, "needed": lacking.tool.name, "missing": lacking.argument})

    def unknown_tool(self) -> Conversation:
        found = first_call(self.source)
        meant = found[2] if found and self.random.random() < 0.7 else self.random.choice(self.source.tools)
        asked, nearest = misnamed(meant, self.source.tools, self.random)
        whole = self.source.opening.strip() and self.random.random() < 0.7
        request = self.source.opening if whole else _query(self.source)
        _, opening = ASKS.draw(self.random, asked=asked, request=request)
        slots = {"asked": asked, "nearest": nearest.name, "does": ability(nearest)}
        row = self._refused(self.source.tools, opening, slots, [[asked], [nearest.name]])
        return replace(row, meta={**row.meta, "asked": asked, "nearest": nearest.name})

    def _refused(
        self,
        tools: Sequence[Tool],
        opening: str,
        slots: Mapping[str, str],
        must: Sequence[Sequence[str]],
        never: str = "",
    ) -> Conversation:
        """A row that ends with a message in place of a call; half of them think first."""
        said = answer(
            self.kind, slots, user(opening), must=must, never=never, random=self.random, tools=tools,
            teacher=self.teacher,
        )  # fmt: skip
        thought = THOUGHTS[self.kind].draw(self.random, **slots)[1] if self.random.random() < 0.5 else None
        row = self._written(tools, self._setting(alone=True), opening, Decision(thought, message=said.text))
        return self._row(_told(row), form=said.form)

    def _setting(self, *, alone: bool) -> str:
        """The environment's instructions, a general assistant's, or both: no kind is known by its system prompt.
        Without `alone`, the environment's own are always there."""
        own = self.source.instructions
        which = self.random.randrange(3)
        general = SETTINGS.draw(self.random)[1]
        if not own.strip() or (which == 0 and alone):
            return general
        return own if which < 2 else f"{general}\n\n{own}"

    def _written(
        self,
        tools: Sequence[Tool],
        instructions: str,
        opening: str,
        decision: Decision,
        before: tuple[Step, ...] = (),
    ) -> Conversation:
        changed = replace(
            self.source,
            tools=tuple(tools),
            instructions=instructions,
            opening=opening,
            steps=(*before, Step(decision)),
            dialect=None,
        )
        return self.dialect.write(changed)

    def _row(self, row: Conversation, part: Conversation | None = None, **about: Any) -> Conversation:
        """`form` stands in the meta as ``answer``: the number of the wording, or ``teacher``. `part` is what else the
        row is made of."""
        environment, task, seed = self.source.key
        if "form" in about:
            form = about.pop("form")
            about["answer"] = "teacher" if form is None else form
        meta = {**row.meta, "kind": self.kind, "source": f"{environment}/{task}/{seed}", **about}
        meta[PROVENANCE] = made_of(row if PROVENANCE in row.meta else self.source, *([part] if part else []))
        return marked(replace(row, id=f"negative/{self.kind}/{self.number:06}", meta=meta), f"negative {self.kind}")


_MAKES: dict[str, Callable[[_Maker], Conversation | None]] = {
    "no-tools-needs-tools": _Maker.no_tools,
    "distractor": _Maker.distractor,
    "missing-argument": _Maker.missing_argument,
    "unknown-tool": _Maker.unknown_tool,
}


def _told(row: Conversation) -> Conversation:
    """With the message, the last that is labelled reasoning, labelled as the following of instructions."""
    *before, last = row.messages
    segments = list(last.segments)
    at = max((i for i, segment in enumerate(segments) if segment.capability == "reasoning"), default=-1)
    segments[at] = replace(segments[at], capability="instruction_following")
    return replace(row, messages=(*before, replace(last, segments=tuple(segments))))
