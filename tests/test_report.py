"""The report of a made-up run: whole, safe with hostile text, honest about bad runs, content with less."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from example_run import HOSTILE, write_run

from agenttuning.errors import BadInput
from agenttuning.files import read_json, write_json, write_jsonl
from agenttuning.report import write_report
from agenttuning.report.charts import nice_ticks
from agenttuning.report.curves import training_curves
from agenttuning.report.episodes import pick
from agenttuning.report.inputs import read_run
from agenttuning.report.numbers import MAX_TEXT, duration, interval, number, visible
from agenttuning.report.summary import findings, headline
from agenttuning.report.tables import mixture_table
from agenttuning.settings import redact

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """The page's tags with their attributes, its text, and that every tag is closed."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "example", tasks=30)


@pytest.fixture(scope="module")
def html(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


def test_the_page_asks_for_nothing(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert not {"script", "iframe", "img", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "xlink:href"):
            to = attributes.get(name) or ""
            assert re.match(r"#|data:,$|$|evaluation/(base|tuned)/trajectories/\w+\.jsonl#[\w-]+$", to), (tag, to)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert not re.search(r"url\(|@import", html)
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_what_a_model_wrote_is_shown_as_text(html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert HOSTILE in Page(html).text


def test_the_numbers_are_there(run: Path, html: str) -> None:
    text = Page(html).text
    comparison = read_json(run / "evaluation" / "comparison.json")
    for row in (comparison["held_in"], comparison["held_out"], comparison["general"]["questions"]):
        assert interval(row["before"], *row["before_interval"]) in text
        assert interval(row["after"], *row["after_interval"]) in text
        assert f"n = {row['n']}" in text.replace("\u00a0", " ")
    for part in (
        "rose",
        "Perplexity",
        "turn_limit: 6",
        "402,771",
        "η = 0.2",
        "4 min 12 s",
        "torch 2.9.0",
        "learning_rate: 0.001",
    ):
        assert part in text
    assert "Not in this run" not in text


def test_the_page_is_accessible(html: str) -> None:
    tags = Page(html).tags
    assert all(a.get("aria-label") for tag, a in tags if tag == "svg" and a.get("role") == "img")
    assert all(a.get("tabindex") == "0" for _, a in tags if "scroll" in (a.get("class") or ""))
    assert all(a.get("scope") for tag, a in tags if tag == "th")
    assert ("html", {"lang": "en"}) in tags


def test_the_same_run_gives_the_same_bytes(run: Path, html: str, tmp_path: Path) -> None:
    again = write_report(write_run(tmp_path / "example", tasks=30))
    assert again.read_text(encoding="utf-8") == html


def test_a_bad_run_is_called_bad(tmp_path: Path) -> None:
    text = Page(write_report(write_run(tmp_path / "bad", bad=True)).read_text(encoding="utf-8")).text
    assert "is a worse agent on held-in tasks" in text
    assert "lost general ability: general questions, general instructions, perplexity" in text


@pytest.mark.parametrize(
    "part",
    ["recipe.yaml", "corpus", "model", "model/metrics.jsonl", "evaluation", "evaluation/tuned",
     "evaluation/base", "evaluation/base/trajectories", "evaluation/comparison.json"],
)  # fmt: skip
def test_a_missing_part_is_tolerated(run: Path, tmp_path: Path, part: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    gone = copy / part
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    page = Page(write_report(copy).read_text(encoding="utf-8"))
    assert page.open == []
    assert "How this run was made" in page.text


def test_an_empty_run_says_what_to_do(tmp_path: Path) -> None:
    text = Page(write_report(tmp_path).read_text(encoding="utf-8")).text
    assert "no comparison" in text
    assert "agenttuning evaluate" in text
    with pytest.raises(BadInput, match="no such run folder"):
        write_report(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("corpus/funnel.json", {"sources": {"database": {"episodes": 3}}}, "no 'kept'"),
        ("evaluation/base/scores.json", {"environments": []}, "expected an object, found list"),
        ("evaluation/comparison.json", {"environments": {"x": {"n": 1}}}, "x: no 'before'"),
        ("model/manifest.json", ["train"], "manifest.json"),
    ],
)
def test_a_file_of_another_form_is_named(tmp_path: Path, path: str, content: object, message: str) -> None:
    write_json(tmp_path / path, content)
    with pytest.raises(BadInput, match=message):
        write_report(tmp_path)


def test_text_that_cannot_be_written_is_replaced(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    path = copy / "evaluation" / "tuned" / "scores.json"
    write_json(path, read_json(path))
    path.write_text(path.read_text(encoding="utf-8").replace('"command"', '"a\\ud800\\u202eb"'), encoding="utf-8")
    assert "a\ufffd\ufffdb" in write_report(copy).read_text(encoding="utf-8")
    assert visible("x" * (MAX_TEXT + 2000)).endswith("2,000 more characters")


def test_pairs_are_picked_by_the_rule(run: Path) -> None:
    files = read_run(run)
    pairs = pick(run, files.episodes)
    assert pairs[0].case == "solved only after training"
    assert pairs[0].before.outcome != "solved" == pairs[0].after.outcome
    assert len({pair.title for pair in pairs}) == len(pairs) == 6
    assert pick(run, {"base": files.episodes["base"], "tuned": {}}) == []


def row(**changes: object) -> dict:
    base = {
        "n": 40,
        "before": 0.2,
        "after": 0.6,
        "difference": 0.4,
        "low": 0.2,
        "high": 0.5,
        "p_value": 0.0001,
    }
    return {**base, "before_interval": [0.1, 0.3], "verdict": "rose", **changes}


def test_the_headline_follows_the_direction_that_is_better() -> None:
    nll = row(better="lower", after=0.25)
    found = findings({"held_in": row(), "general": {"questions": row(verdict="held"), "nll": nll}})
    assert [finding.news for finding in found] == ["good", "even", "bad"]
    assert headline(found) == (
        "The tuned model is a better agent on held-in tasks. Its general answers held; its perplexity on "
        "general conversations rose, within the start model's interval."
    )
    assert headline(findings({"general": {"nll": row(better="lower", verdict="fell")}})).endswith("held or rose.")
    assert "take this as a hint" in findings({"held_in": row(n=8)})[0].text
    assert headline([]) == ""


def test_the_headline_names_both_sides_of_agent_h_where_they_changed() -> None:
    sides = {"restraint": row(verdict="fell"), "use": row(), "hscore": row()}
    found = findings({"held_in": row(), "tool_use": {"overall": row(verdict="held")}, "hallucination": sides})
    assert [(f.name, f.news) for f in found[1:]] == [("tool_use", "even"), ("restraint", "bad"), ("use", "good")]
    assert headline(found) == (
        "The tuned model is a better agent on held-in tasks. "
        "It calls more tools without need and makes more of the calls that are due."
    )


def test_losses_that_are_no_numbers_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}, {"step": 3, "loss": 1.0}]
    write_jsonl(tmp_path / "model" / "metrics.jsonl", rows)
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "nan" not in html.lower()
    assert "steps whose loss was not a number" in html
    assert training_curves([rows[1]]) is None
    assert len(training_curves([{"step": i, "loss": 1.0} for i in range(100_000)]) or "") < 30_000


def test_numbers_as_printed() -> None:
    assert number(-1.25, sign=True) == "−1.2"
    assert number(-0.01) == "0.0"
    assert interval(0.5, 0.4, 0.6) == "50.0 [40.0, 60.0]"
    assert [duration(s) for s in (3.21, 252, 7300)] == ["3.2 s", "4 min 12 s", "2 h 01 min"]
    assert nice_ticks(0, 2.3, 5) == [0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_what_looks_like_a_key_is_not_printed(html: str) -> None:
    assert "sk-not-for-print" not in html
    assert "hunter2" not in html
    assert redact("max_tokens: 12\nhub_token: hf_1") == "max_tokens: 12\nhub_token: (not shown)"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_a_browser_applies_the_style_and_runs_nothing(run: Path, html: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={tmp_path}", "--enable-logging=stderr", "--dump-dom", f"file://{run}/report.html"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    page = Page(result.stdout)
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE in page.text
    assert "Content Security Policy" not in result.stderr  # a blocked style would be logged here


def test_the_mixture_lists_its_sources_where_there_are_more_than_two():
    one = {"rows": 20, "distinct": 10, "epochs": 2.0}
    two = {f"{side}_{key}": value for side in ("agent", "general") for key, value in one.items()}
    columns, rows = mixture_table({**two, "sources": {"agent": one, "general": one}})
    assert [row[0] for row in rows] == ["Agent", "General"]
    sources = {"agent": one, "general/gpt-4": {"rows": 4, "distinct": 4, "epochs": 1.0}, "general/b": "broken"}
    columns, rows = mixture_table({**two, "sources": {**sources, "general/gpt-3.5": {"rows": 16}}})
    assert columns == ["Part", "Rows", "Share of rows", "Distinct", "Epochs"]
    assert rows[3] == ["general/gpt-4", "4", "10.0 %", "4", "1"]
    assert [row[0] for row in rows] == ["Agent", "General", "agent", "general/gpt-4", "general/gpt-3.5"]


def test_contamination_is_shown_by_set_and_by_source(tmp_path: Path):
    run = write_run(tmp_path / "run", tasks=6)
    side = {"clean": 40, "between": 6, "dirty": 2, "unknown": 2, "rate": 0.117}
    templates = {"clean": 0, "between": 50, "dirty": 0, "unknown": 0, "rate": 0.46}
    row = {"set": "database", "items": 50, **side, "with_templates": templates}
    nothing = {**row, "set": "hotpotqa", "rate": 0.0, "with_templates": {**templates, "rate": 0.0}}
    table = [{"source": source, **one} for source in ("agent/<b>", "all") for one in (row, nothing)]
    result = {
        "rules": {"n": 10, "mismatches": 4}, "thresholds": {"clean": 0.2, "dirty": 0.8},
        "drop": "dirty", "dropped": 3, "table": table, "left": [{"source": "all", **row, "dirty": 0}],
    }  # fmt: skip
    write_json(run / "decontaminated" / "contamination.json", result)
    page = Page(write_report(run).read_text())
    assert page.open == []
    assert "agent/<b> 11.7 (46.0)" in page.text
    assert "database 50 40 6 2 2 11.7 50 0 46.0" in page.text
    assert "3 dirty rows were dropped before training; then 0 items are dirty" in page.text
    write_json(run / "decontaminated" / "contamination.json", {**result, "table": [{"source": "all"}]})
    with pytest.raises(BadInput, match=r"contamination\.json: table\[0\]: no 'set'"):
        write_report(run)
