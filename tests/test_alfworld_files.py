"""The benchmark's games in folders, archives and lists: which are read, what is refused, and that they can be won."""

import io
import json
import os
import tarfile
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.alfworld import Alfworld, files, game
from agenttuning.environments.alfworld.problem import write_problem
from agenttuning.errors import BadInput
from agenttuning.trajectory import Task

needs_data = pytest.mark.skipif(
    "AGENTTUNING_DATA" not in os.environ, reason="AGENTTUNING_DATA names no folder with alfworld/games.tar.xz"
)
needs_engine = pytest.mark.skipif(
    find_spec("fast_downward") is None, reason="needs pip install 'agenttuning[alfworld]'"
)

HOUSE = {"desk 1": ["mug 1"], "shelf 1": [], "sinkbasin 1": [], "sidetable 1": ["desklamp 1"]}
SOLUTION = ["go to desk 1", "take mug 1 from desk 1", "go to shelf 1", "move mug 1 to shelf 1"]
PLACES = {
    "json_2.1.1/train/pick_and_place_simple-Mug-None-Shelf-1/trial_A/game.tw-pddl": "train",
    "json_2.1.1/valid_seen/pick_and_place_simple-Mug-None-Shelf-2/trial_B/game.tw-pddl": "dev",
    "json_2.1.1/valid_unseen/pick_and_place_simple-Mug-None-Shelf-3/trial_C/game.tw-pddl": "test",
}
TRIALS = [place.split("/", 2)[2].removesuffix("/game.tw-pddl") for place in PLACES]


def record(**changes: Any) -> dict[str, Any]:
    """A game as it is published; None takes a field away."""
    whole = {
        "pddl_domain": "(define (domain alfred)) ; the player's rules",
        "grammar": '{"task": [{"rhs": "Your task is to: put some mug on shelf."}]}',
        "pddl_problem": write_problem(HOUSE, "pick_and_place_simple", "mug", "shelf"),
        "solvable": True,
        "walkthrough": SOLUTION,
    } | changes
    return {key: value for key, value in whole.items() if value is not None}


def write_games(folder: Path, **changes: Any) -> Path:
    for place in PLACES:
        file = folder / place
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(record(**changes)), encoding="utf-8")
    return folder


def archived(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:" + path.suffix[1:].replace("tar", "")) as archive:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


def one(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "game.tw-pddl"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_a_folder_an_archive_and_a_list_give_the_same_games(tmp_path):
    folder = write_games(tmp_path / "games")
    content = {"json_2.1.1/readme.txt": b"no game"} | dict.fromkeys(PLACES, json.dumps(record()).encode())
    listing = folder / "standard.json"
    listing.write_text(json.dumps({"pick_and_place": list(PLACES)[:1], "other": list(PLACES)[1:]}))
    paths = [
        folder,
        listing,
        *(archived(tmp_path / f"g.{kind}", content) for kind in ("tar", "tar.gz", "tar.xz", "zip")),
    ]
    for path in paths:
        tasks = files.load(path).tasks
        assert [task.id for task in tasks] == TRIALS, path
        assert [task.split for task in tasks] == list(PLACES.values())
        assert {(task.goal, task.kind, task.level) for task in tasks} == {
            ("put some mug on shelf.", "pick_and_place_simple", "easy")
        }
        assert files.unpack(tasks[0].data["game"]) == (record()["pddl_problem"], record()["pddl_domain"])
        assert [task.id for task in files.load(path, 2).tasks] == TRIALS[:2]
        assert json.loads(json.dumps(tasks[0].data)) == tasks[0].data


def test_one_game_is_enough_and_its_own_folders_name_it(tmp_path):
    folder = write_games(tmp_path / "games")
    tasks = Alfworld(folder / list(PLACES)[1]).tasks("train")
    assert [(task.id, task.split) for task in tasks] == [(TRIALS[1], "dev")]


def test_games_that_the_benchmark_leaves_out_are_left_out(tmp_path):
    folder = write_games(tmp_path / "removable")  # the whole path does not count
    assert len(files.load(folder).tasks) == 3
    for trial, changes in (
        ("pick_and_place_with_movable_recep-Mug-Box-Shelf-1/trial_D", {}),
        ("pick_heat_then_place_in_recep-AppleSliced-None-Shelf-1/trial_E", {}),
        ("pick_and_place_simple-Mug-None-Shelf-9/trial_F", {"solvable": False}),
    ):
        file = folder / "json_2.1.1" / "train" / trial / "game.tw-pddl"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(record(**changes)))
    official = files.load(folder)
    assert [task.id for task in official.tasks] == TRIALS
    assert official.skipped == ()


@pytest.mark.parametrize(
    ("goal", "kind"),
    [
        (("look_at_obj_in_light", "mug", "desklamp"), "look_at_obj_in_light"),
        (("pick_two_obj_and_place", "mug", "shelf"), "pick_two_obj_and_place"),
        (("pick_clean_then_place_in_recep", "mug", "shelf"), "pick_clean_then_place_in_recep"),
    ],
)
def test_the_kind_of_goal_is_read_from_the_problem(tmp_path, goal, kind):
    (task,) = files.load(one(tmp_path, record(pddl_problem=write_problem(HOUSE, *goal)))).tasks
    assert task.kind == kind


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not JSON"),
        ([1], "should be an object, found list"),
        (record(pddl_domain=None), "'pddl_domain' should be a text, found NoneType"),
        (record(pddl_problem=7), "'pddl_problem' should be a text, found int"),
        (record(pddl_problem="(define {x.__class__})"), "'pddl_problem' has a character that no such text has: '{'"),
        (record(grammar=None), "'grammar' states no goal"),
        (record(grammar="no goal"), "'grammar' states no goal"),
        (record(walkthrough="go"), "'walkthrough' should be a list of commands, found go"),
        (record(walkthrough=[1]), "'walkthrough' should be a list of commands"),
    ],
)
def test_a_broken_game_is_named_with_its_field_or_left_out(tmp_path, content, said):
    path = one(tmp_path, content)
    with pytest.raises(BadInput, match="--skip-bad") as raised:
        files.load(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)
    environment = Alfworld(path, skip_bad=True)
    assert list(environment.tasks("test")) == []
    assert len(environment.skipped) == 1


def test_in_an_archive_the_place_of_a_broken_game_is_said(tmp_path):
    good, bad = list(PLACES)[:2]
    path = archived(tmp_path / "games.zip", {good: json.dumps(record()).encode(), bad: b"{"})
    with pytest.raises(BadInput, match=rf"^games.zip: {bad}: not JSON"):
        files.load(path)
    official = files.load(path, skip_bad=True)
    assert (len(official.tasks), len(official.skipped)) == (1, 1)


@pytest.mark.parametrize("name", ["../../evil/game.tw-pddl", "/etc/game.tw-pddl", "a/../../b/game.tw-pddl"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_paths_that_lead_out_of_an_archive_are_refused(tmp_path, name, kind):
    path = archived(tmp_path / f"games.{kind}", {name: json.dumps(record()).encode()})
    with pytest.raises(BadInput, match="leads out of the archive"):
        files.load(path)


def test_what_is_no_plain_or_no_small_file_is_refused(tmp_path):
    path = tmp_path / "games.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("a/b/game.tw-pddl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(BadInput, match="no plain file"):
        files.load(path)
    zeros = archived(tmp_path / "big.zip", {"a/b/game.tw-pddl": bytes(files.MOST_BYTES + 1)})
    assert zeros.stat().st_size < 100_000
    with pytest.raises(BadInput, match="bytes long"):
        files.load(zeros)


def test_a_list_may_begin_at_the_benchmarks_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALFWORLD_DATA", str(write_games(tmp_path / "data")))
    listing = tmp_path / "standard.json"
    listing.write_text(json.dumps([*PLACES, "json_2.1.1/train/gone/trial/game.tw-pddl", 3]))
    official = files.load(listing, skip_bad=True)
    assert [task.id for task in official.tasks] == TRIALS
    assert [line.rpartition(": ")[2][:12] for line in official.skipped] == ["no such file", "a list shoul"]


def test_nothing_to_play_is_said(tmp_path):
    with pytest.raises(BadInput, match=r"no game.tw-pddl in it"):
        files.load(tmp_path)
    (tmp_path / "list.json").write_text("{}")
    with pytest.raises(BadInput, match=r"no game.tw-pddl in it"):
        files.load(tmp_path / "list.json")


def test_archives_that_end_too_soon_are_named(tmp_path):
    whole = archived(tmp_path / "games.tar.xz", dict.fromkeys(PLACES, os.urandom(5000)))
    cut = tmp_path / "cut.tar.xz"
    cut.write_bytes(whole.read_bytes()[:-4000])
    with pytest.raises(BadInput, match=r"cut\.tar\.xz"):
        files.load(cut, skip_bad=True)


def test_a_task_that_was_changed_by_hand_is_refused():
    for text in ("", "no base85 ä", files.pack("", "x"), files.pack("(define {x})", "(define)")):
        with pytest.raises(BadInput):
            files.unpack(text)


@needs_engine
@pytest.mark.parametrize(
    "solution", [SOLUTION, ["put mug 1 in/on shelf 1" if "move" in c else c for c in SOLUTION], None]
)
def test_a_game_is_won_by_its_solution_or_the_planners_and_its_grammar_is_not_run(tmp_path, solution):
    code = f"{{open('{tmp_path}/made', 'w')}}"
    rules = {"intro": [{"rhs": code}], "task": [{"rhs": f"Your task is to: put {code} on shelf."}]}
    content = record(pddl_domain=game._shipped("alfred.pddl"), grammar=json.dumps(rules), walkthrough=solution)
    environment = Alfworld(one(tmp_path, content))
    (task,) = environment.tasks("test")
    assert environment.reset(task).endswith(f"Your task is to: {task.goal}")
    assert "open(" in task.goal
    feedbacks = [environment.step(decision.call) for decision in environment.expert(task)]
    assert feedbacks[-1].solved
    assert not (tmp_path / "made").exists()
    environment.close()


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=6)  # fmt: skip  # noqa: E501


@settings(max_examples=150)
@given(st.binary(max_size=300) | st.dictionaries(st.sampled_from(sorted(record())), JSON).map(lambda d: record() | d))
def test_no_content_breaks_the_loader(tmp_path_factory, content):
    path = one(tmp_path_factory.mktemp("fuzz"), content)
    try:
        tasks = files.load(path).tasks
    except BadInput:
        return
    assert all(isinstance(task, Task) and json.dumps(task.data) for task in tasks)


@settings(max_examples=100)
@given(st.data())
def test_no_damage_to_an_archive_breaks_the_loader(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    kind = data.draw(st.sampled_from(["tar", "tar.gz", "tar.xz", "zip"]))
    path = archived(folder / f"games.{kind}", dict.fromkeys(PLACES, json.dumps(record()).encode()))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        files.load(path, skip_bad=True)
    except BadInput:
        return


@needs_data
def test_official_games_are_all_there():
    tasks = Alfworld(Path(os.environ["AGENTTUNING_DATA"]) / "alfworld" / "games.tar.xz").tasks("test")
    assert Counter(task.split for task in tasks) == {"train": 120, "dev": 40}
    assert all(task.id.startswith(task.kind) and task.goal.endswith(".") for task in tasks)
    assert len({task.id for task in tasks}) == 160


@needs_data
@needs_engine
@pytest.mark.slow
def test_official_games_are_won_by_their_stored_solutions():
    environment = Alfworld(Path(os.environ["AGENTTUNING_DATA"]) / "alfworld" / "games.tar.xz")
    for task in environment.tasks("test")[::12]:
        opening = environment.reset(task)
        assert opening.startswith("You are in the middle of a room.")
        assert opening.endswith(f"Your task is to: {task.goal}")
        feedback = None
        for decision in environment.expert(task):
            feedback = environment.step(decision.call)
            assert feedback.performed is None
        assert feedback is not None
        assert feedback.solved, task.id
    environment.close()
