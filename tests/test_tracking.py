"""Trackers, each with its real package where that is installed: what was logged is read back from its own files."""

import importlib.util
import json
import sqlite3
import struct
import subprocess
import sys
import time

import pytest

from agenttuning.errors import BadInput, MissingExtra
from agenttuning.files import read_json
from agenttuning.tracking import check_trackers, flat, trackers

SETTINGS = {"learning_rate": 1e-3, "method": "lora", "tracking": ("tensorboard",), "api_key": "sk-not-for-print"}
CURVE = {1: 1.0, 2: 0.5, 3: 0.25, 4: 0.125, 5: 0.0625}


def metrics(step):
    losses = {"agent/database": CURVE[step], "general": None}
    return {"step": step, "loss": CURVE[step], "losses": losses, "tokens": 7 * step, "divergence": None}


def train_twice(name, folder):
    """A training that is stopped after its third step and goes on from its checkpoint after the first."""
    for steps in (range(1, 4), range(2, 6)):
        with trackers([name], "demo", SETTINGS, folder) as log:
            for step in steps:
                log(step, metrics(step))
    return folder / "tracking"


def test_numbers_by_their_path():
    assert flat(metrics(2)) == {"loss": 0.5, "loss/agent/database": 0.5, "tokens": 14}
    assert flat({"loss": float("inf"), "finished": True}) == {"loss": float("inf")}


def test_a_name_that_no_tracker_has(tmp_path):
    with pytest.raises(BadInput, match=r"^tracking names 'wanb', which is no tracker; did you mean 'wandb'\?$"):
        check_trackers(["tensorboard", "wanb"])
    with pytest.raises(BadInput, match="wanb"), trackers(["wanb"], "demo", {}, tmp_path):
        pass
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "told"), [("tensorboard", "'agenttuning[tracking]'"), ("wandb", "wandb")])
def test_a_package_that_is_not_installed(name, told, tmp_path):
    hidden = f"import sys; sys.modules[{name!r}] = None"
    code = (
        f"{hidden}; from pathlib import Path; from agenttuning.tracking import trackers\n"
        f"with trackers([{name!r}], 'demo', {{}}, Path({str(tmp_path)!r})): pass"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1].endswith(f"{name} is not installed; run: pip install {told}")
    assert MissingExtra.__name__ in done.stderr
    assert not any(tmp_path.iterdir())


def test_no_trackers_write_nothing(tmp_path):
    with trackers([], "demo", SETTINGS, tmp_path) as log:
        log(1, metrics(1))
    assert not any(tmp_path.iterdir())


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tensorboard"))
    read.Reload()
    return read


def test_tensorboard_has_every_step_once(tmp_path):
    pytest.importorskip("tensorboard")
    read = events(train_twice("tensorboard", tmp_path))
    for tag in ("loss", "loss/agent/database"):
        assert {(event.step, event.value) for event in read.Scalars(tag)} == set(CURVE.items())
        assert len(read.Scalars(tag)) == len(CURVE)
    assert set(read.Tags()["scalars"]) == {"loss", "loss/agent/database", "tokens"}
    (settings,) = read.Tensors("settings/text_summary")
    (text,) = settings.tensor_proto.string_val
    assert b"learning_rate: 0.001" in text
    assert b"sk-not-for-print" not in text


def test_other_settings_are_another_run(tmp_path):
    pytest.importorskip("tensorboard")
    ids = []
    for rate in (1e-3, 1e-4, 1e-4):
        with trackers(["tensorboard"], "demo", {"learning_rate": rate}, tmp_path) as log:
            log(1, metrics(1))
        ids.append(read_json(tmp_path / "tracking" / "run.json")["id"])
    assert ids[0] != ids[1] == ids[2]
    assert len(events(tmp_path / "tracking").Scalars("loss")) == 2


def test_a_full_disk_ends_the_tracker_and_not_the_training(tmp_path):
    pytest.importorskip("tensorboard")
    pytest.importorskip("resource")
    code = f"""
import resource, sys
from pathlib import Path
from agenttuning.tracking import trackers
with trackers(["tensorboard"], "demo", {{}}, Path({str(tmp_path)!r})) as log:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # bytes that any file may have
    for step in range(1, 201):
        log(step, {{"loss": 1 / step}})
print("200 steps")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "200 steps\n")
    (told,) = [line for line in done.stderr.splitlines() if "tracking: tensorboard" in line]
    assert "File too large" in told
    assert "the training goes on" in told
    assert 0 < len(events(tmp_path / "tracking").Scalars("loss")) < 200


def wandb_records(file):
    """The protocol buffers in a run's file: records of LevelDB's log format, none here as long as a block."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at = file.read_bytes(), 7
    while at + 7 <= len(data):
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        if kind == 1:
            yield Record.FromString(data[at + 7 : at + 7 + length])
        at += 7 + length


def test_wandb_without_a_key_is_offline_and_one_run(tmp_path, monkeypatch, capsys):
    pytest.importorskip("wandb")
    for variable in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    folder = train_twice("wandb", tmp_path)
    assert "tracking: wandb works offline" in capsys.readouterr().err
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    assert {file.name for file in files} == {f"run-{read_json(folder / 'run.json')['id']}.wandb"}
    records = [record for file in files for record in wandb_records(file)]
    seen = {}
    for row in (record.history for record in records if record.HasField("history")):
        values = {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in row.item}
        assert values["_step"] not in seen
        seen[values["_step"]] = values["loss/agent/database"]
    assert seen == CURVE
    (first, *_) = [record.run for record in records if record.HasField("run")]
    assert (first.project, first.display_name) == ("agenttuning", "demo")
    assert '"lora"' in [item.value_json for item in first.config.update]
    assert b"sk-not-for-print" not in b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_trackio_has_every_step_once(tmp_path):
    pytest.importorskip("trackio")
    code = f"import sys; sys.path.insert(0, {sys.path[0]!r}); import test_tracking as t; from pathlib import Path\n"
    code += f"t.train_twice('trackio', Path({str(tmp_path)!r}))"
    environment = {"TRACKIO_DIR": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": ""}
    environment["PYTHONPATH"] = ":".join(p for p in sys.path if p)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "initialized" not in done.stdout
    (file,) = (tmp_path / "data").glob("agenttuning*.db")
    rows = sqlite3.connect(file).execute("SELECT run_name, step, metrics FROM metrics").fetchall()
    assert {name for name, _, _ in rows} == {f"demo-{read_json(tmp_path / 'tracking' / 'run.json')['id']}"}
    assert sorted((step, json.loads(row)["loss/agent/database"]) for _, step, row in rows) == sorted(CURVE.items())


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs mlflow")
def test_mlflow_has_every_step_once(tmp_path, monkeypatch):
    pytest.importorskip("alembic")
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = train_twice("mlflow", tmp_path)
    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("agenttuning")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss/agent/database")
    assert [(row.step, row.value) for row in history] == list(CURVE.items())
    assert (run.info.run_name, run.info.status) == ("demo", "FINISHED")
    assert run.data.params["method"] == "lora"
    assert run.data.params["api_key"] == "(not shown)"


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs mlflow")
def test_a_server_that_is_not_there_does_not_end_the_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    began = time.monotonic()
    train_twice("mlflow", tmp_path)
    assert time.monotonic() - began < 30
    told = capsys.readouterr().err
    assert told.count("tracking: mlflow cannot start") == 2  # once each time that the training is started
    assert "the training goes on" in told
