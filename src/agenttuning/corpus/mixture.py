"""Agent trajectories and general conversations in one file, agent : general = η : 1 − η.

AgentTuning's objective J = η·E_agent + (1 − η)·E_general is sampling by proportion, with η = 0.2, and its general data
are GPT-4's and GPT-3.5's conversations 1 : 4 (arXiv 2310.12823 §2.2). Each side may have any number of sources, in
groups within groups. The rows are interleaved evenly: any window of the file holds the asked proportion, so every batch
does. Only the rows' places in their files are kept, on disk, so a source may be of any size.

>>> mix(MixConfig(eta=0.5), Path("filtered/kept.jsonl"), Path("corpus.jsonl"), dialect="command", seed=0)
{"rows": 162, "eta": 0.5, "agent_rows": 81, "agent_distinct": 81, "agent_epochs": 1.0, …}
"""

import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from agenttuning import dialects
from agenttuning.atif import from_atif
from agenttuning.conversation import GENERAL_SOURCE, Conversation, from_row, to_row
from agenttuning.corpus.drawing import Drawing, Drawn
from agenttuning.corpus.general import GENERAL as BUILT_IN
from agenttuning.corpus.general import read_general
from agenttuning.corpus.proportions import AGENT, GENERAL, Known, Part, grouped
from agenttuning.corpus.sources import Source
from agenttuning.errors import BadInput
from agenttuning.files import read_json, write_json, write_jsonl
from agenttuning.progress import Progress
from agenttuning.settings import check_above_zero, check_at_least
from agenttuning.tables import aligned

COLLECTED = "agent/collected"  # the stage's own input, where it is not the only agent source
SAMPLE = 20_000  # rows of a source whose tokens are counted to know the mean of all
Count = Callable[[Conversation], int]  # trained tokens


@dataclass(frozen=True, kw_only=True)
class MixConfig:
    """How much of the corpus teaches to act and how much keeps what the model knows."""

    eta: float = 0.2
    """The share of agent rows, in [0, 1]; the paper's is 0.2."""
    general: str = "builtin"
    """General conversations: `builtin`, or a file or folder of shards of OpenAI messages or ShareGPT conversations."""
    sources: dict[str, str] = field(default_factory=dict)
    """More sources by name, files or folders of shards: `agent/NAME` stands beside the run's own rows, which are
    `agent/collected` then; `general/NAME` stands in place of `general`. A further `/` makes a group within a group."""
    weights: dict[str, float] = field(default_factory=dict)
    """The weight of a source or group within its group, e.g. {general/gpt-4: 1, general/gpt-3.5: 4}; a group without
    weights draws each of its rows equally often."""
    by: Literal["rows", "tokens"] = "rows"
    """What eta and the weights are shares of: rows, or trained tokens."""
    epochs: float = 1.0
    """How often the agent rows are drawn, general rows being added to match; of eta 0, how often the general rows."""
    rows: int | None = None
    """Rows in all, in place of epochs."""
    tokens: int | None = None
    """Trained tokens in all, in place of epochs: the row that reaches them is the last."""
    replacement: bool = False
    """Whether each draw takes any row of its source; without, every row once before any is drawn again."""
    allow_licenses: tuple[str, ...] = ()
    """Licences that forbid training and whose rows are trained on all the same, by name."""

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise BadInput(f"eta is a share between 0 and 1, found {self.eta}")
        check_at_least(self, 1, "rows", "tokens")
        check_above_zero(self, "epochs")
        if (self.rows is not None) + (self.tokens is not None) + (self.epochs != 1.0) > 1:
            raise BadInput("epochs, rows and tokens each say how much is drawn; give one of them")
        for name in self.sources:
            if name.partition("/")[0] not in (AGENT, GENERAL) or not all(name.split("/")[1:]) or "/" not in name:
                raise BadInput(f"sources has {name!r}; a source is called agent/NAME or general/NAME")
        named = [COLLECTED, *self.sources]
        for name in named:
            if any(other.startswith(name + "/") for other in named) or (name in self.sources and name == COLLECTED):
                raise BadInput(f"sources has {name!r} as a source and as a group, or twice; give it another name")
        for name, weight in self.weights.items():
            if not 0 <= weight < float("inf"):
                raise BadInput(f"weights must be from 0 up, found {weight} for {name}")
            if not any(one == name or one.startswith(name + "/") for one in named) or name in (AGENT, GENERAL):
                raise BadInput(f"weights names {name!r}, which is no source and no group; there are {', '.join(named)}")
        if self.general != "builtin" and any(name.startswith(GENERAL) for name in self.sources):
            raise BadInput("general is given beside sources of that name; give its file as one of them: general/NAME")

    @property
    def general_path(self) -> Path:
        return BUILT_IN if self.general == "builtin" else Path(self.general)

    def paths(self, agent: Path) -> dict[str, Path]:
        """Every source that has a share, by name."""
        named = {name: Path(path) for name, path in self.sources.items()}
        own = {side: any(name.startswith(side) for name in named) for side in (AGENT, GENERAL)}
        every = {COLLECTED if own[AGENT] else AGENT: agent}
        every |= {name: path for name, path in named.items() if name.startswith(AGENT)}
        every |= {} if own[GENERAL] else {GENERAL: self.general_path}
        every |= {name: path for name, path in named.items() if name.startswith(GENERAL)}
        left_out = GENERAL if self.eta == 1 else AGENT if self.eta == 0 else "-"
        return {name: path for name, path in every.items() if name.partition("/")[0] != left_out}


def mix(
    config: MixConfig,
    agent: Path,
    out: Path,
    *,
    dialect: str,
    seed: int,
    count_tokens: Count | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the corpus to `out`, and beside it ``funnel.json``: the filter's funnel and what was drawn.

    `agent` holds trajectories, which are written in `dialect`, or corpus rows, as `redesign` makes them. `count_tokens`
    is needed where shares or the budget are of tokens. A source with fewer rows than its share asks for is read again
    in another order; the counts that are returned say how often, in all (``agent_epochs``, ``general_epochs``) and for
    each source.
    """
    with opened(
        config, config.paths(agent), out.parent / "scratch", dialect=dialect, seed=seed, count=count_tokens
    ) as found:
        write_jsonl(out, found.rows(progress))
        counts = found.counts()
    funnel = agent.with_name("funnel.json")
    sources = read_json(funnel)["sources"] if funnel.is_file() else {}
    write_json(out.with_name("funnel.json"), {"sources": sources, "mixture": counts})
    return counts


class Mixture:
    """A seeded sequence of corpus rows without an end, and the `total` of them that the config asks for."""

    def __init__(
        self,
        config: MixConfig,
        sources: Mapping[str, Source],
        *,
        seed: int,
        count: Count | None,
    ):
        self.config, self.sources, self.count = config, sources, count
        if count is None and (config.by == "tokens" or config.tokens is not None):
            raise BadInput("by tokens, mix counts by a model's tokenizer; name the model: --model")
        self.total, tree = tree_of(config, self._known())
        self.drawing = Drawing(
            tree, {name: len(one) for name, one in sources.items()}, seed=seed, replacement=config.replacement
        )
        self.drawn: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.environments: Counter[str] = Counter()

    def row(self, drawn: Drawn) -> dict[str, Any]:
        """The corpus row of a draw; counts it."""
        talk, source = self.sources[drawn.source][drawn.row]
        self.drawn[drawn.source] += 1
        if source != GENERAL_SOURCE:
            self.environments[source.removeprefix("agent/")] += 1
        if self.count is not None:
            self.tokens[drawn.source] += self.count(talk)
        row = to_row(talk)
        return {"id": row.pop("id"), "source": source, **row}

    def rows(self, progress: Progress | None = None) -> Iterator[dict[str, Any]]:
        """The rows from the drawing's place on, to the end that the config sets."""
        budget = self.config.tokens
        places = self.drawing if budget is not None else islice(self.drawing, self.total - self.drawing.position)
        for done, drawn in enumerate(places, start=1):
            row = self.row(drawn)
            if progress and done % 50 == 0:
                progress(done, self.total, drawn.source)
            yield row
            if budget is not None and self.tokens.total() >= budget:
                return

    def counts(self) -> dict[str, Any]:
        """What was really drawn: of both sides, and of every source."""
        total, tokens = self.drawn.total(), self.tokens.total()
        sides = {side: [name for name in self.sources if name.partition("/")[0] == side] for side in (AGENT, GENERAL)}
        out: dict[str, Any] = {"rows": total, "eta": round(sum(self.drawn[n] for n in sides[AGENT]) / total, 4)}
        for side, names in sides.items():
            out |= {f"{side}_{key}": value for key, value in self._of(names).items()}
        if self.count is not None:
            out["eta_tokens"] = round(sum(self.tokens[n] for n in sides[AGENT]) / (tokens or 1), 4)
        out["environments"] = dict(sorted(self.environments.items()))
        out["sources"] = {
            name: {**self._of([name]), "share": round(self.drawn[name] / total, 4), "refused": dict(one.refused)}
            for name, one in self.sources.items()
        }
        return out

    def _of(self, names: list[str]) -> dict[str, Any]:
        rows = sum(self.drawn[name] for name in names)
        there = sum(len(self.sources[name]) for name in names)
        distinct = sum(min(self.drawn[name], len(self.sources[name])) for name in names)
        counts = {"rows": rows, "distinct": distinct, "epochs": round(rows / there, 2) if there else 0.0}
        return counts | ({"tokens": sum(self.tokens[name] for name in names)} if self.count is not None else {})

    def _known(self) -> dict[str, Known]:
        if self.config.by == "rows" and self.config.tokens is None:
            return {name: Known(len(one)) for name, one in self.sources.items()}
        return {name: Known(len(one), self._mean(one)) for name, one in self.sources.items()}

    def _mean(self, source: Source) -> float:
        """Trained tokens of a row, over all or over a sample that is spread evenly."""
        assert self.count is not None
        looked_at = min(len(source), SAMPLE)
        found = [self.count(source[i * len(source) // looked_at][0]) for i in range(looked_at)]
        return max(sum(found), 1) / looked_at


@contextmanager
def opened(
    config: MixConfig,
    paths: Mapping[str, Path],
    scratch: Path,
    *,
    dialect: str,
    seed: int,
    count: Count | None = None,
) -> Generator[Mixture]:
    """The mixture of these sources; `scratch` is a folder for the places of their rows and is removed at the end."""
    writer = dialects.get(dialect)
    shutil.rmtree(scratch, ignore_errors=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        sources = {}
        for name, path in paths.items():
            read = partial(read_agent, writer) if name.partition("/")[0] == AGENT else _read_general
            sources[name] = stack.enter_context(Source(name, path, read, scratch, allowed=config.allow_licenses))
        yield Mixture(config, sources, seed=seed, count=count)


def tree_of(config: MixConfig, known: Mapping[str, Known]) -> tuple[int, Part]:
    """(rows in all, how they are shared out); with a budget of tokens the rows are an estimate."""
    sides = {side: {n: k for n, k in known.items() if n.partition("/")[0] == side} for side in (AGENT, GENERAL)}
    groups = {side: grouped(side, sources, config.weights) if sources else None for side, sources in sides.items()}
    agent, general = groups[AGENT], groups[GENERAL]
    # The share in rows that makes up the share in tokens, where that is what is asked for.
    weights = [share / group.tokens for share, group in ((config.eta, agent), (1 - config.eta, general)) if group]
    by_tokens = config.by == "tokens"
    share = config.eta if not by_tokens else weights[0] / sum(weights) if agent else 0.0
    if config.rows is not None or config.tokens is not None:
        mean = share * (agent.tokens if agent else 0) + (1 - share) * (general.tokens if general else 0)
        rows = config.rows if config.rows is not None else max(1, round((config.tokens or 1) / mean))
        of_agent = round(share * rows)
        of_general = rows - of_agent
    elif agent:
        of_agent = max(1, round(config.epochs * agent.rows))
        of_general = round(of_agent * (1 - share) / share)
    else:
        of_agent, of_general = 0, max(1, round(config.epochs * general.rows)) if general else 0
    parts = ((agent, of_agent), (general, of_general))
    return of_agent + of_general, Part("", of_agent + of_general, tuple(g.split(rows) for g, rows in parts if g))


def read_agent(writer: dialects.Dialect, row: Mapping[str, Any], where: str) -> tuple[Conversation, str]:
    """A trajectory as it is written, or a corpus row as it is; with its source."""
    if "messages" in row:
        return from_row(row, where=where), str(row.get("source") or AGENT)
    try:
        trajectory = from_atif(row)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    return writer.write(trajectory), f"agent/{trajectory.task.environment}"


def _read_general(row: Mapping[str, Any], where: str) -> tuple[Conversation, str] | None:
    conversation = read_general(row, where)
    return None if conversation is None else (conversation, GENERAL_SOURCE)


def mixture_table(counts: Mapping[str, Any]) -> str:
    """What was really drawn, to read: a line for each source."""
    tokens = "agent_tokens" in counts or "general_tokens" in counts
    rows = [["", "rows", "share", "distinct", "epochs", *(["tokens"] if tokens else []), "refused"]]
    for name, one in counts["sources"].items():
        numbers = [str(one["rows"]), f"{one['share']:.1%}", str(one["distinct"]), f"{one['epochs']:g}"]
        refused = ", ".join(f"{n} {license}" for license, n in one["refused"].items()) or "0"
        rows.append([name, *numbers, *([str(one["tokens"])] if tokens else []), refused])
    return aligned(rows)
