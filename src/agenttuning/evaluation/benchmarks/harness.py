"""lm-eval's tasks (EleutherAI's lm-evaluation-harness) over files at hand or the hub's: prompts, filters, scores.

What a model is asked and what counts as right is lm-eval's; who answers is an engine of ours, so a task that generates
runs on checkpoints and endpoints alike. `Harness.scores` does what `lm_eval.simple_evaluate` does between the replies
and the means; tests/test_benchmarks_harness.py holds the two against each other, item by item.

>>> task = load("gsm8k_cot", {"test": read_gsm8k(Path("data"))})
>>> requests(task, 100, chat=True)[0].arguments[1]["until"]
['Q:', '</s>', '<|im_end|>']
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from statistics import fmean
from typing import Any

from agenttuning.conversation import Conversation, Message, Segment
from agenttuning.engines import Engine, Sampling
from agenttuning.errors import BadInput, MissingExtra, MissingProgram
from agenttuning.evaluation.benchmarks.asking import Progress, Question, Replies, ask
from agenttuning.evaluation.benchmarks.files import Row
from agenttuning.models import quiet_transformers

SEED = 1234  # lm-eval's own for the choice of examples
MAX_TOKENS = 256  # lm-eval's own where a task says nothing
# Of IFEval's instructions those whose checks cut a text into sentences or words with NLTK's data.
SENTENCES = frozenset({"length_constraints:number_sentences", "change_case:capital_word_frequency"})
USED = ("gsm8k", "mmlu/default", "ifeval")  # folders of its definitions


@dataclass(frozen=True)
class Harness:
    """A generating task of lm-eval; `metric` of the replies that `filter` made of the model's is the score."""

    name: str
    task: Any
    limit: int
    metric: str
    filter: str
    also: Mapping[str, tuple[str, str]]
    """Further means by their name: (metric, filter)."""

    def ask(self, engine: Engine, folder: Path, progress: Progress | None = None) -> Replies:
        questions = []
        for request in requests(self.task, self.limit, chat=True):
            written, how = request.arguments
            messages = tuple(Message(row["role"], (Segment(row["content"]),)) for row in json.loads(written))
            tokens = how.get("max_gen_toks", MAX_TOKENS)
            sampling = Sampling(max_tokens=tokens, stop=tuple(how.get("until") or ()))
            questions.append(Question(str(request.doc_id), Conversation(messages), sampling))
        return ask(engine, questions, folder / f"{self.name}.jsonl", progress=progress)

    def scores(self, replies: Replies) -> tuple[dict[str, float], dict[str, float]]:
        """Each item's score by its number, and the means of `also` by their names.

        A metric that judges several things in one item counts each of them, as lm-eval does.
        """
        for request in (asked := requests(self.task, self.limit, chat=True)):
            request.resps = [replies[str(request.doc_id)]]
        measured = results(self.task, asked)
        values = {str(item): float(found[self.filter][self.metric]) for item, found in measured.items()}
        means = {}
        for name, (metric, filter) in self.also.items():
            found = [one[filter][metric] for one in measured.values()]
            means[name] = fmean(float(v) for value in found for v in (value if isinstance(value, list) else [value]))
        return values, means


def require() -> None:
    """Raises MissingExtra where lm-eval or what it runs models with is not installed."""
    _manager()


def require_ifeval(rows: Sequence[Row] | None = None) -> None:
    """Raises MissingExtra or MissingProgram where what lm-eval's checks of instructions need is not here.

    `rows` are those whose instructions are to be checked, where they are known.
    """
    _manager()
    for package in ("langdetect", "immutabledict"):
        if find_spec(package) is None:
            raise MissingExtra(package, "general")
    import langdetect

    langdetect.DetectorFactory.seed = 0  # else the language of a short reply is another one now and then
    if rows is not None and not SENTENCES & {name for row in rows for name in row["instruction_id_list"]}:
        return
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        command = "python -m nltk.downloader punkt_tab"
        raise MissingProgram("IFEval counts sentences with NLTK's punkt_tab, which is not here", command) from None


def members(folder: str) -> list[str]:
    """The names of lm-eval's tasks whose definitions are in that folder of it."""
    manager = _manager()
    paths = {name: manager.task_index[name].yaml_path for name in manager.all_subtasks}
    return sorted(name for name, path in paths.items() if path and f"/{folder}/" in path.as_posix())


def load(name: str, rows: Mapping[str, Sequence[Row]] | None, **settings: Any) -> Any:
    """lm-eval's task of that name over these rows by split, None: over the hub's. `settings` go over its own.

    Raises BadInput where the hub cannot be reached, or lm-eval has no such task.
    """
    manager = _manager()
    if name not in manager.task_index:
        raise BadInput(f"lm-eval {_version()} has no task {name}")
    if rows is not None:
        settings["custom_dataset"] = lambda **_: _dataset(rows)
    try:
        with redirect_stderr(StringIO()):  # progress bars of downloads
            # A task by its name with settings of one's own is what lm-eval takes as the member of a group.
            (task,) = manager.load([{"group": "agenttuning", "task": [{"task": name, **settings}]}])["tasks"].values()
    except (OSError, ValueError, RuntimeError) as error:
        raise _unread(name, error) from None
    task.set_fewshot_seed(seed=SEED)
    return task


def hub_rows(name: str, split: str) -> list[Row]:
    """A data set of the hub. Raises BadInput where it cannot be reached."""
    require()
    import datasets

    try:
        with redirect_stderr(StringIO()):
            return [dict(row) for row in datasets.load_dataset(name, split=split)]
    except (OSError, ValueError, RuntimeError) as error:
        raise _unread(name, error) from None


def requests(task: Any, limit: int, *, chat: bool) -> list[Any]:
    """lm-eval's requests for the first `limit` items.

    As a chat the examples are turns before the question, and a prompt is the JSON of its messages; else it is the text.
    """

    def written(messages: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return json.dumps(messages, ensure_ascii=False)

    with redirect_stderr(StringIO()):  # a progress bar that no setting turns off
        task.build_all_requests(
            limit=limit, apply_chat_template=chat, fewshot_as_multiturn=chat, chat_template=written if chat else None
        )
    return task.instances


def results(task: Any, asked: Sequence[Any]) -> dict[int, dict[str, dict[str, Any]]]:
    """By item, filter and metric, from requests whose `resps` are filled."""
    task.apply_filters()
    by_item: dict[int, list[Any]] = {}
    for request in asked:
        by_item.setdefault(request.doc_id, []).append(request)
    out: dict[int, dict[str, dict[str, Any]]] = {}
    for item, own in by_item.items():
        own.sort(key=lambda request: request.idx)
        for filter in own[0].filtered_resps:
            replies = [request.filtered_resps[filter] for request in own]
            out.setdefault(item, {})[filter] = task.process_results(own[0].doc, replies)
    return out


def _dataset(rows: Mapping[str, Sequence[Row]]) -> Any:
    import datasets

    return datasets.DatasetDict({split: datasets.Dataset.from_list(list(own)) for split, own in rows.items()})


@cache
def _manager() -> Any:
    quiet_transformers()
    try:
        import lm_eval.tasks
    except ModuleNotFoundError:
        raise MissingExtra("lm-eval", "general") from None
    import logging

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    folder = Path(lm_eval.tasks.__file__).parent
    # Of its thousands of definitions those that are used: reading all takes longer than a small evaluation.
    return lm_eval.tasks.TaskManager(include_path=[folder / used for used in USED], include_defaults=False)


def _unread(name: str, error: Exception) -> BadInput:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return BadInput(f"{name}: its data cannot be read ({reason}); give --benchmarks-data FOLDER")


def _version() -> str:
    from importlib.metadata import version

    return version("lm_eval")
