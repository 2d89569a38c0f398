"""The benchmarks of one evaluation: what they need is checked and read first, then the model answers, then come scores.

>>> suite = prepare({"gsm8k": 100, "mmlu": 5}, "data", model="smollm2-135m-instruct")
>>> with engines.make("smollm2-135m-instruct") as engine:
...     replies = suite.ask(engine, Path("scores/general"))
>>> suite.scores(replies, Path("scores/general"))[0]["gsm8k"]["mean"]
0.04
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agenttuning import engines, sandbox
from agenttuning.engines import EndpointConfig, Engine
from agenttuning.errors import BadInput, MissingExtra, MissingProgram
from agenttuning.evaluation.benchmarks import files, harness, humaneval, mt_bench
from agenttuning.evaluation.benchmarks.asking import Progress, Replies
from agenttuning.evaluation.benchmarks.files import HUB
from agenttuning.evaluation.benchmarks.harness import Harness
from agenttuning.evaluation.benchmarks.humaneval import HumanEval
from agenttuning.evaluation.benchmarks.mmlu import MMLU
from agenttuning.evaluation.benchmarks.mt_bench import MTBench
from agenttuning.evaluation.scores import summarize

NAMES = tuple(files.PATTERNS)
NONE = "none"
Items = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Benchmarks:
    """`parts` are by name; `judge` is a model or ``none``; `source` says where the items are from."""

    parts: Mapping[str, Any]
    source: str
    model: str
    judge: str = NONE
    endpoint: EndpointConfig | None = None
    seed: int = 0

    def ask(self, engine: Engine, folder: Path, progress: Progress | None = None) -> dict[str, Replies]:
        """The model's replies by benchmark; those that are in `folder` already are not asked for again."""
        generating = {name: part for name, part in self.parts.items() if not isinstance(part, MMLU)}
        return {name: part.ask(engine, folder, progress) for name, part in generating.items()}

    def scores(
        self, replies: Mapping[str, Replies], folder: Path, progress: Progress | None = None
    ) -> tuple[dict[str, Any], Items]:
        """{n, mean, low, high} and more by benchmark, and each item's value. MT-Bench without a judge has none."""
        rows: dict[str, Any] = {}
        items: Items = {}
        for name, part in self.parts.items():
            more: dict[str, Any] = {}
            match part:
                case MMLU():
                    from agenttuning import models

                    items[name] = part.measure(models.resolve(self.model), folder, progress)
                    more = {"subjects": _by_subject(items[name])}
                case Harness():
                    items[name], more = part.scores(replies[name])
                case HumanEval():
                    items[name], passes = humaneval.scores(part.run(replies[name], folder, progress))
                    more = {"pass_at": passes, "samples": part.samples}
                case MTBench() if self.judge != NONE:
                    items[name], more = mt_bench.scores(self._judged(part, replies[name], folder, progress), self.seed)
                    more |= {"judge": self.judge.rpartition("#")[2]}
                case _:  # MT-Bench without a judge: its answers are on disk
                    continue
            rows[name] = summarize(list(items[name].values()), self.seed, share=name != "mt_bench") | more
            rows[name]["source"] = self.source
        return rows, items

    def _judged(self, part: MTBench, answers: Replies, folder: Path, progress: Progress | None) -> Replies:
        # Replicas serve the model that is measured, not its judge.
        asked = replace(self.endpoint, replicas=[]) if self.endpoint else None
        with engines.make(self.judge, endpoint=asked) as judge:
            return part.judge(judge, answers, folder, progress)


def prepare(
    counts: Mapping[str, int],
    data: str,
    *,
    model: str,
    judge: str = NONE,
    samples: int = 1,
    temperature: float = 0.0,
    endpoint: EndpointConfig | None = None,
    seed: int = 0,
) -> Benchmarks:
    """So many items of each benchmark (MMLU: of each subject), read from the folder `data` or the hub.

    Raises BadInput for files that are missing or broken and for what the model cannot do, MissingExtra and
    MissingProgram where something is not installed.
    """
    if "mmlu" in counts and model.startswith(("http://", "https://")):
        raise BadInput("mmlu: an endpoint gives no log-likelihoods; leave it out, or give the checkpoint")
    if samples > 1 and not temperature > 0 and "humaneval" in counts:
        raise BadInput(f"{samples} programs for a problem are all the same without chance; give a temperature above 0")
    for name in counts:
        require(name)
    folder = None if data in ("", HUB) else Path(data)
    if folder is not None and not folder.is_dir():
        raise BadInput(f"{data}: no such folder; give the one that holds mmlu/, gsm8k/ and so on")
    parts: dict[str, Any] = {}
    for name, count in counts.items():
        match name:
            case "mmlu":
                parts[name] = MMLU.prepare(folder, count)
            case "gsm8k" | "ifeval":
                parts[name] = _generating(name, folder, count)
            case "humaneval":
                parts[name] = HumanEval(_problems(folder)[:count], samples, temperature, seed)
            case "mt_bench":
                parts[name] = _mt_bench(folder, count, judge, seed)
            case _:
                raise BadInput(f"{name}: no such benchmark; there are {', '.join(NAMES)}")
    return Benchmarks(parts, folder.name if folder else HUB, model, judge, endpoint, seed)


def texts(counts: Mapping[str, int], data: str) -> Iterator[tuple[str, str, str]]:
    """(benchmark, item, its own words) of what is asked. Raises as `prepare` does."""
    folder = None if data in ("", HUB) else Path(data)
    for name, count in counts.items():
        if name == "mmlu":
            subjects = MMLU.prepare(folder, count).tasks
            docs = {f"{subject}/{i}": doc for subject, task in subjects.items() for i, doc in _first(task, count)}
        elif name == "humaneval":
            docs = {row["task_id"]: row for row in _problems(folder)[:count]}
        elif name == "mt_bench":
            docs = {str(row["question_id"]): row for row in _mt_bench(folder, count, NONE, 0).questions}
        else:
            docs = {str(i): doc for i, doc in _first(_generating(name, folder, count).task, count)}
        for id, doc in docs.items():
            asked = doc.get("turns") or [doc.get("prompt") or doc["question"], *doc.get("choices", ())]
            yield name, id, "\n".join(asked)


def _first(task: Any, count: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return task.doc_iterator(limit=count)


def require(name: str) -> None:
    """Raises MissingExtra or MissingProgram where this machine lacks what a benchmark needs."""
    if name in ("mmlu", "gsm8k"):
        harness.require()
    elif name == "ifeval":
        harness.require_ifeval([])
    elif name == "humaneval":
        sandbox.require()


def missing(names: Iterable[str]) -> dict[str, str]:
    """Those of these benchmarks that cannot run here, each with what it lacks and the command that mends it."""
    lacking = {}
    for name in names:
        try:
            require(name)
        except (MissingExtra, MissingProgram) as error:
            lacking[name] = str(error)
    return lacking


def _generating(name: str, data: Path | None, count: int) -> Harness:
    if name == "gsm8k":
        task = harness.load("gsm8k_cot", {"test": files.read_gsm8k(data)} if data else None)
        # As the examples write it, "The answer is 18."; the last number of a reply is told beside.
        also = {"flexible": ("exact_match", "flexible-extract")}
        return Harness(name, task, count, "exact_match", "strict-match", also)
    rows = files.read_ifeval(data)[:count] if data else None
    harness.require_ifeval(rows)
    task = harness.load("ifeval", {"train": rows} if rows else None)
    also = {key: (f"{key}_acc", "none") for key in ("inst_level_strict", "prompt_level_loose")}
    return Harness(name, task, count, "prompt_level_strict_acc", "none", also)


def _problems(data: Path | None) -> list[files.Row]:
    return files.read_humaneval(data) if data else harness.hub_rows("openai/openai_humaneval", "test")


def _mt_bench(data: Path | None, count: int, judge: str, seed: int) -> MTBench:
    if data is None:
        raise BadInput(
            "mt_bench: is not read from a hub; put FastChat's llm_judge/data (question.jsonl, judge_prompts.jsonl, "
            "reference_answer/gpt-4.jsonl) into FOLDER/mt_bench and give --benchmarks-data FOLDER"
        )
    folder = files.mt_bench_folder(data)
    questions = mt_bench.spread(files.read_questions(folder), count)
    if judge == NONE:
        return MTBench(questions, {}, {}, seed)
    part = MTBench(questions, files.read_judge_prompts(folder), files.read_references(folder), seed)
    part.check_judging()
    return part


def _by_subject(items: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    values: dict[str, list[float]] = {}
    for id, value in items.items():
        values.setdefault(id.partition("/")[0], []).append(value)
    return {subject: summarize(own) for subject, own in values.items()}
