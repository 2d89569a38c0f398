"""Self-improvement: when rounds end, who plays and who is trained, and all of it on a small model."""

import os
import signal
import subprocess
import sys
import time

import pytest
import tiny
import worlds

from agenttuning.corpus.mixture import MixConfig, mix
from agenttuning.errors import BadInput
from agenttuning.evaluation.statistics import wilson
from agenttuning.files import read_json, write_json
from agenttuning.improve import ImproveConfig, _result, _rounds, improve, improvement_table, plan, resolved
from agenttuning.recipe import made
from agenttuning.training.config import TrainConfig

N = 40


class Judge:
    """In place of the work: every stage is done at once, and the dev tasks are solved as often as the list says."""

    def __init__(self, solved, kept=()):
        self.solved, self.kept, self.done = list(solved), list(kept), []

    def __call__(self, number, stage):
        self.done.append((number, stage))
        if stage.name == "filter":
            count = self.kept[number - 1] if number <= len(self.kept) else 5
            return {"counts": {"sources": {"database": {"tasks": 6, "episodes": 24, "kept": count}}}}
        if stage.name == "evaluate":
            good = self.solved[number]
            items = {f"t{i}": float(i < good) for i in range(N)}
            row = {"held": "in", "items": items, "n": N, **wilson(good, N)._asdict()}
            write_json(stage.out / "scores.json", {"environments": {"database": row}})
        return {"counts": {}}

    def of(self, name):
        return {number: stage for number, stage in self.done if stage.name == name}


def rounds(tmp_path, judge, **settings):
    config = ImproveConfig(environments={"database": 6}, dev=N, **settings)
    recipe, _ = resolved("smollm2-135m-instruct", config)
    rows = list(_rounds("smollm2-135m-instruct", tmp_path, config, recipe, judge))
    stopped = rows[-1].pop("stopped", "rounds")
    return _result("smollm2-135m-instruct", rows, stopped)


def test_it_ends_when_the_dev_score_stops_rising(tmp_path):
    result = rounds(tmp_path, Judge([4, 20, 20, 39]), rounds=5)
    assert [row["better"] for row in result["rounds"][1:]] == [True, False]
    assert (result["best"], result["model"]) == (1, "round-1/model/merged")
    assert result["stopped"] == "the dev score did not rise in the last round"


def test_patience_waits_and_plays_on_with_the_best(tmp_path):
    judge = Judge([4, 20, 10, 30, 30, 30])
    result = rounds(tmp_path, judge, rounds=9, patience=2)
    assert [row["better"] for row in result["rounds"][1:]] == [True, False, True, False, False]
    assert [row["played_by"] for row in result["rounds"][1:]] == ["round 0", "round 1", "round 1", "round 3", "round 3"]
    assert result["best"] == 3
    assert result["stopped"] == "the dev score did not rise in the last 2 rounds"
    verdicts = [line.rpartition("points, ")[2] for line in improvement_table(result).splitlines()[2:7]]
    assert verdicts == ["rose", "fell", "rose", "no rise", "no rise"]


def test_a_rise_inside_the_noise_is_said_to_be_so(tmp_path):
    result = rounds(tmp_path, Judge([20, 21, 21]), rounds=1)
    assert result["rounds"][1]["better"]
    assert result["rounds"][1]["change"]["verdict"] == "held"
    assert "+2.5 points, a rise inside the noise" in improvement_table(result)


def test_nothing_to_learn_from_ends_it(tmp_path):
    judge = Judge([4, 20], kept=[5, 0])
    result = rounds(tmp_path, judge, rounds=4)
    assert result["stopped"] == "nothing that was played in round 2 is worth learning from"
    assert (result["best"], result["rounds"][2]["dev"]) == (1, None)
    assert sorted(judge.of("train")) == [1]
    assert improvement_table(result)


def test_every_round_has_tasks_and_samples_of_its_own_and_the_same_dev_tasks(tmp_path):
    judge = Judge([1, 2, 3, 4])
    rounds(tmp_path, judge, rounds=3, samples=4)
    assert [stage.settings["seed"] for stage in judge.of("collect").values()] == [0, 4, 8]
    assert {stage.settings["seed"] for stage in judge.of("evaluate").values()} == {0}
    assert {stage.settings["split"] for stage in judge.of("evaluate").values()} == {"dev"}
    assert {stage.settings["model"] for stage in judge.of("train").values()} == {"smollm2-135m-instruct"}


def test_the_best_may_be_trained_on(tmp_path):
    judge = Judge([1, 2, 3])
    result = rounds(tmp_path, judge, rounds=2, train_from="best")
    assert [row["trained_from"] for row in result["rounds"][1:]] == ["round 0", "round 1"]
    assert judge.of("train")[2].settings["model"] == str(tmp_path / "round-1" / "model" / "merged")


@pytest.mark.parametrize(
    ("model", "settings", "told"),
    [
        ("http://localhost:1/v1#m", {"environments": {"database": 1}}, "is an endpoint, and improve trains"),
        ("smollm2-135m-instruct", {}, "nothing to play; name environments"),
    ],
)
def test_what_cannot_be_improved_is_told(model, settings, told):
    with pytest.raises(BadInput, match=told):
        resolved(model, ImproveConfig(**settings))


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"patience": 0}, {"samples": 0}, {"keep": 0}, {"dev": 0}])
def test_settings_out_of_range_are_told(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        ImproveConfig(environments={"database": 1}, **wrong)


def test_the_plan_lists_every_round(tmp_path):
    rows = plan("smollm2-135m-instruct", tmp_path, ImproveConfig(rounds=2, environments={"database": 1}))
    assert [name for number, name, *_ in rows if number == 2] == [
        "collect", "filter", "deduplicate", "mix", "decontaminate", "train", "evaluate",
    ]  # fmt: skip
    assert all(runs for *_, runs, _ in rows)
    assert not list(tmp_path.iterdir())
    assert made("improve", ["train.max_steps=3"]).train.max_steps == 3


@pytest.fixture(scope="module")
def talker(tmp_path_factory):
    """A tiny model that was taught to say words in `steady`, and the folder where that environment is installed."""
    pytest.importorskip("peft")
    from agenttuning.training.trainer import train

    folder = tmp_path_factory.mktemp("talker")
    site = folder / "site"
    site.mkdir()
    worlds.install(site)
    subprocess.run(
        [sys.executable, "-m", "agenttuning", "collect", "--out", folder / "played", "--environments.steady", "16",
         "--workers", "1"], env={**os.environ, "PYTHONPATH": str(site)}, check=True, capture_output=True,
    )  # fmt: skip
    corpus = folder / "corpus" / "corpus.jsonl"
    mix(MixConfig(eta=1.0), folder / "played" / "steady.jsonl", corpus, dialect="command", seed=0)
    config = TrainConfig(method="full", learning_rate=1e-2, weight_decay=0.0, max_length=512, epochs=35)
    train(config, corpus, str(tiny.write_model(folder / "base")), folder / "model", seed=0)
    return folder / "model" / "merged", site


SETTINGS = [
    "train.max_steps=2", "train.batch_rows=2", "train.max_length=512", "train.method=full", "train.learning_rate=1e-5",
    "mix.eta=1", "evaluate.max_tokens=24", "evaluate.workers=1", "collect.max_tokens=24", "collect.workers=1",
    "collect.temperature=0.1", "deduplicate.actions=false", "deduplicate.text=false",
]  # fmt: skip


@pytest.mark.slow
def test_killed_and_run_again_it_comes_to_the_same_end(talker, tmp_path, monkeypatch):
    model, site = talker
    out, said = tmp_path / "killed", []
    words = [sys.executable, "-m", "agenttuning", "improve", model, *SETTINGS, "--out", out, "--rounds", "2"]
    words += ["--environments.steady", "4", "--samples", "2", "--dev", "4"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (out / "round-1" / "filtered").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (out / "round-1" / "evaluation" / "tuned").exists()
    played = (out / "round-1" / "trajectories" / "manifest.json").read_bytes()

    monkeypatch.syspath_prepend(str(site))
    config = ImproveConfig(rounds=2, environments={"steady": 4}, samples=2, dev=4)
    result, whole = (
        improve(str(model), folder, config, made("improve", SETTINGS), say=said.append)
        for folder in (out, tmp_path / "whole")
    )
    assert (out / "round-1" / "trajectories" / "manifest.json").read_bytes() == played
    assert result == whole == read_json(out / "improve.json")
    # It could do all there is before: a round brings no rise, and that is the end.
    assert [row["dev"]["mean"] for row in result["rounds"]] == [1.0, 1.0]
    assert result["stopped"] == "the dev score did not rise in the last round"
    assert result["best"] == 0
    funnel = read_json(out / "round-1" / "filtered" / "funnel.json")["sources"]["steady"]
    assert (funnel["tasks"], funnel["episodes"], funnel["kept"], funnel["dropped"]) == (4, 8, 4, {"not_best": 4})
    rows = (out / "round-1" / "corpus" / "corpus.jsonl").read_bytes()
    assert rows == (tmp_path / "whole" / "round-1" / "corpus" / "corpus.jsonl").read_bytes()

    said.clear()
    assert improve(str(model), out, config, made("improve", SETTINGS), say=said.append) == result
    assert [line for line in said if "written in" in line] == []
