"""A sweep: what is on the front, the page and the table of made-up points, and one from models to page."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
import tiny
from test_merge import write_adapter

from agenttuning.errors import BadInput
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.statistics import wilson
from agenttuning.evaluation.sweep import on_front, point
from agenttuning.evaluation.table import sweep_table
from agenttuning.files import read_json, write_json
from agenttuning.recipe import load
from agenttuning.report.scatter import Dot, scatter
from agenttuning.report.sweep import write_sweep
from agenttuning.sweep import sweep_alpha, sweep_eta


def scores(solved, right, nats):
    """A scores.json with 40 held-in tasks in two environments, 10 held-out ones and a general probe."""

    def rows(n, held, good):
        items = {f"t{i}": float(i < good) for i in range(n)}
        return {"held": held, "items": items, "n": n, **wilson(good, n)._asdict()}

    half = solved // 2
    return {
        "environments": {
            "database": rows(30, "in", solved - half),
            "knowledge_graph": rows(10, "in", half),
            "hotpotqa": rows(10, "out", 1),
        },
        "general": {
            "questions": {"n": 50, **wilson(right, 50)._asdict()},
            "perplexity": {"n": 80, "mean": nats, "low": nats - 0.1, "high": nats + 0.1},
            "items": {},
        },
    }


def sweep(folder):
    """alpha 0.5 is on both fronts, 0 on none: 0.25 is better in all; 1 has the best agent score."""
    numbers = ((0, 0, 24, 2.0), (0.25, 4, 30, 1.9), (0.5, 10, 30, 1.7), (1, 20, 20, 1.8))
    points = [point(alpha, scores(*rest)) for alpha, *rest in numbers]
    fronts = {name: on_front(points, name) for name in ("questions", "perplexity")}
    for i, row in enumerate(points):
        row["front"] = [name for name, front in fronts.items() if front[i]]
    result = {
        "setting": "alpha",
        "about": "Models between two.",
        "settings": {"tuned": "<script>alert(1)</script>", "seed": 0},
        "against": {"questions": "higher", "perplexity": "lower"},
        "points": points,
    }
    write_json(folder / "sweep.json", result)
    return result


def test_the_agent_score_is_over_held_in_tasks_alone():
    row = point(0.5, scores(20, 25, 1.8))
    assert (row["agent"]["n"], row["agent"]["mean"]) == (40, 0.5)
    assert list(row["environments"]) == ["database", "knowledge_graph", "hotpotqa"]
    assert row["environments"]["knowledge_graph"]["mean"] == 1.0
    assert row["agent"]["low"] == pytest.approx(wilson(20, 40).low)
    assert row["general"]["perplexity"]["high"] == pytest.approx(1.9)


def test_the_front(tmp_path):
    assert [row["front"] for row in sweep(tmp_path)["points"]] == [
        [],
        [],
        ["questions", "perplexity"],
        ["questions", "perplexity"],
    ]
    same = [point(value, scores(10, 25, 1.8)) for value in (0, 1)]
    assert on_front(same, "questions") == [True, True]


class Reader(HTMLParser):
    """Circles by class, and the text of the page."""

    def __init__(self, html):
        super().__init__()
        self.circles, self.words, self.tags = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "circle":
            self.circles.append(dict(attrs))

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_holds_every_point_and_nothing_foreign(tmp_path):
    sweep(tmp_path)
    html = write_sweep(tmp_path).read_text()
    page = Reader(html)
    assert len(page.circles) == 4 * 2 * 2  # points, figures, widths
    assert [circle["class"] for circle in page.circles[:4]] == ["before", "before", "after", "after"]
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.words
    assert "25.0 [14.2, 40.2]" in page.words
    assert not re.search(r"(src|href)=\"(?!#|data:)", html)
    assert write_sweep(tmp_path).read_text() == html


def test_less_is_better_runs_backwards():
    dots = [Dot(str(x), (0.5, 0.4, 0.6), (x, x - 0.1, x + 0.1), front=False) for x in (1.5, 2.5)]
    for better, order in ((True, 1), (False, -1)):
        drawing = str(scatter(dots, "perplexity", share=False, higher_is_better=better))
        left, right = (float(circle["cx"]) for circle in Reader(drawing).circles)
        assert (right - left) * order > 0


def test_points_that_are_all_alike_are_drawn():
    dots = [Dot("0", (0.0, 0.0, 0.0), (0.5, 0.5, 0.5), front=True)] * 3
    assert str(scatter(dots, "questions", width=340)).count("<circle") == 3


def test_the_table_fits_a_terminal(tmp_path, capsys):
    from rich.console import Console

    Console(width=80).print(sweep_table(sweep(tmp_path)))
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()[-5:]]
    assert head == ["alpha", "agent,", "%", "[95", "%]", "questions,", "%", "perplexity"]
    assert rows[2] == ["0.5", "25.0", "[14.2,", "40.2]", "60.0", "*", "1.70", "*"]


@pytest.mark.parametrize(
    ("values", "config", "told"),
    [
        ((0, 1.5), EvaluateConfig(held_in={"database": 1}), "values are shares between 0"),
        ((), EvaluateConfig(held_in={"database": 1}), "values are shares"),
        ((0, 1), EvaluateConfig(), "give --held-in.ENVIRONMENT"),
        ((0, 1), EvaluateConfig(held_in={"database": 1}, general=False), "and --general"),
    ],
)
def test_a_sweep_without_anything_to_plot_does_not_begin(tmp_path, values, config, told):
    with pytest.raises(BadInput, match=told):
        sweep_alpha(tmp_path, tmp_path / "out", values=values, config=config)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("values", "overrides", "told"),
    [
        ((0, 2), (), "values are shares of agent rows between 0 and 1"),
        ((0, 1), ("evaluate.held_in={}",), "give --held-in.ENVIRONMENT"),
    ],
)
def test_a_sweep_of_eta_without_anything_to_plot_does_not_begin(tmp_path, values, overrides, told):
    with pytest.raises(BadInput, match=told):
        sweep_eta(load("quickstart", overrides), tmp_path / "out", values=values)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_grid_of_eta_is_trained_and_plotted_and_not_twice(tmp_path):
    pytest.importorskip("peft")
    base = tiny.write_model(tmp_path / "base")
    recipe = tmp_path / "small.yaml"
    recipe.write_text(
        f"""
model: {base}
collect: {{environments: {{database: 6}}, workers: 1}}
train: {{max_steps: 1, batch_rows: 2, max_length: 256}}
evaluate: {{held_in: {{database: 2}}, max_turns: 1, max_tokens: 8, workers: 1, general: true}}
"""
    )
    out, said = tmp_path / "out", []
    result = sweep_eta(load(recipe), out, values=(1, 0.5), say=said.append)
    assert [row["value"] for row in result["points"]] == [0.5, 1]
    shares = [read_json(out / f"eta-{eta}" / "corpus" / "funnel.json")["mixture"]["eta"] for eta in ("0.5", "1")]
    assert shares == [0.5, 1]
    assert Reader((out / "sweep.html").read_text()).circles
    said.clear()
    assert sweep_eta(load(recipe), out, values=(1, 0.5), say=said.append) == result
    assert said
    assert all("done before" in line for line in said)
    assert not list(out.glob("eta-*/trajectories"))
    assert (out / "data" / "trajectories" / "database.jsonl").is_file()


@pytest.mark.slow
def test_from_an_adapter_to_the_page_and_not_twice(tmp_path):
    pytest.importorskip("peft")
    base = tiny.write_model(tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    config = EvaluateConfig(held_in={"database": 2}, max_turns=1, max_tokens=8, workers=1)
    out, said = tmp_path / "out", []

    def run(*values, **options):
        return sweep_alpha(adapter, out, values=values, config=config, say=said.append, **options)

    result = run(1, 0)
    assert [row["value"] for row in result["points"]] == [0, 1]
    assert result["points"][0]["general"]["divergence"]["mean"] == pytest.approx(0, abs=1e-6)
    assert result["points"][1]["general"]["divergence"]["mean"] > 1e-3
    assert read_json(out / "sweep.json") == json.loads(json.dumps(result))
    assert not (out / "models").exists()
    written = {name: (out / name / "manifest.json").stat().st_mtime_ns for name in ("alpha-0", "alpha-1")}

    said.clear()
    again = run(0, 1, keep=True)
    assert again == result
    assert all("done before" in line for line in said)
    assert {name: (out / name / "manifest.json").stat().st_mtime_ns for name in written} == written
    assert (out / "models" / "alpha-1" / "model.safetensors").is_file()
    assert (out / "models" / "alpha-0" / "model.safetensors").read_bytes() == (base / "model.safetensors").read_bytes()

    shutil.rmtree(adapter)
    write_adapter(base, adapter, use_rslora=True)  # another adapter in its place: what was measured is out of date
    said.clear()
    run(1)
    assert [line for line in said if "written in" in line]
    assert Reader((out / "sweep.html").read_text()).circles
