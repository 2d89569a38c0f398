"""Mind2Web's own files: every variant of the format, ranks, splits by folder, and what is wrong with a record."""

import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mind2web_files import action, candidate, element, page, play, record, text, write

from agenttuning.environments.mind2web import Mind2Web
from agenttuning.environments.mind2web.candidates import lexical_ranks, top
from agenttuning.environments.mind2web.official import BUDGET_VARIABLE, split_of
from agenttuning.environments.mind2web.page import parse, prune, tokens
from agenttuning.errors import BadInput, NoExpert
from agenttuning.rollout.validate import validate
from agenttuning.trajectory import ToolCall

needs_data = pytest.mark.skipif(
    not (Path(os.environ.get("AGENTTUNING_DATA", "/nowhere")) / "mind2web").is_dir(),
    reason="AGENTTUNING_DATA names no folder with mind2web/ (the data may not be passed on)",
)


def test_every_action_becomes_a_task_that_the_expert_solves(tmp_path):
    file = write(tmp_path / "test_task", "test_task_0.json", [record("one"), record("two")])
    environment = Mind2Web(file)
    tasks = environment.tasks("test")
    assert [task.id for task in tasks[:3]] == ["one_uid-type-lakeside road", "one_uid-select-class b", "one_uid-click-"]
    assert len(tasks) == 6
    for task in tasks:
        assert task.split == "test"
        assert task.kind == "test_task"
        assert play(environment, task).measures["step_success"] == 1.0
        assert json.loads(json.dumps(task.data)) == task.data
        assert sum(len(group["choices"]) for group in task.data["groups"]) == 10


def test_what_the_agent_sees_of_a_record(tmp_path):
    environment = Mind2Web(write(tmp_path, "train_0.json", [record()]))
    task = environment.tasks("test")[2]
    seen = environment.reset(task)
    assert seen.startswith(
        "Task: Find a car of Class B at Lakeside Road\nPrevious actions:\n"
        "[textbox] Pick-up place -> TYPE: Lakeside Road\n[combobox] Class -> SELECT: Class B\nPage: ("
    )
    everything = seen + environment.step(ToolCall("none_of_these")).observation
    assert "button Find & compare cars" in everything
    assert "select car_class: Class A | Class B | Class C" in everything


def test_validate_takes_a_folder_of_files(tmp_path):
    for name in ("test_task", "test_website", "test_domain"):
        write(tmp_path / name, f"{name}_0.json", [record(name)])
    result = validate("mind2web", data=tmp_path, workers=1)
    assert (result.tasks, result.solved, result.mean_reward) == (9, 9, 1.0)


def test_a_folder_of_several_splits_gives_each_its_own(tmp_path):
    write(tmp_path / "train", "train_10.json", [record("c")])
    write(tmp_path / "train", "train_2.json", [record("b")])
    write(tmp_path / "test_task", "test_task_0.json", [record("d")])
    write(tmp_path / "data_dev", "0.json", [record("e")])
    environment = Mind2Web(tmp_path)
    assert [task.id[0] for task in environment.tasks("train")] == list("bbbccc")  # in the order of their numbers
    assert {task.id[0] for task in environment.tasks("test")} == {"d"}
    assert {task.split for task in environment.tasks("dev")} == {"dev"}
    alone = Mind2Web(tmp_path / "train")
    assert list(alone.tasks("test")) == list(environment.tasks("train"))
    assert len(environment.tasks("train", limit=2)) == 2
    assert split_of(tmp_path / "data_std" / "0.json") == "test"


def test_json_lines_are_read_too(tmp_path):
    file = tmp_path / "test.json"
    file.write_text(json.dumps(record("a")) + "\n\n" + json.dumps(record("b")), encoding="utf-8")
    assert len(Mind2Web(file).tasks("test")) == 6


def test_a_limit_reads_no_further(tmp_path):
    file = write(tmp_path, "train_0.json", [record("a")])
    file.write_text(file.read_text()[:-1] + ", {this is broken", encoding="utf-8")
    assert len(Mind2Web(file).tasks("test", limit=3)) == 3
    with pytest.raises(BadInput, match=r"train_0.json: record 2: not JSON"):
        Mind2Web(file).tasks("test", limit=4)


def test_ranks_choose_the_candidates_and_a_missed_element_counts_as_failed(tmp_path):
    folder = tmp_path / "data"
    write(folder / "test_task", "test_task_0.json", [record("one")])
    numbers = [100, 101, 10, *range(102, 118), 11, 12]  # the field is third, the list and the button come last
    ranks = {str(number): rank for rank, number in enumerate(numbers)}
    steps = ("uid-type-lakeside road", "uid-select-class b", "uid-click-")
    (folder / "scores_all_data.json").write_text(json.dumps({"ranks": {f"one_{step}": ranks for step in steps}}))
    environment = Mind2Web(folder / "test_task")
    found, missed, _ = environment.tasks("test")
    shown = {choice["id"] for group in found.data["groups"] for choice in group["choices"]}
    assert shown == {str(number) for number in numbers[:10]}
    assert play(environment, found).solved
    with pytest.raises(NoExpert, match="counts such a step as failed"):
        environment.expert(missed)
    environment.reset(missed)
    for _ in range(2):
        feedback = environment.step(ToolCall("none_of_these"))
    assert feedback.terminated
    assert feedback.reward == 0.0


def test_ranks_that_lack_a_step_are_reported(tmp_path):
    write(tmp_path, "test_0.json", [record("one")])
    (tmp_path / "scores_all_data.json").write_text("{}")
    with pytest.raises(BadInput, match=r"test_0.json: record 1: actions\[0\]: .*no ranks for one_uid-type"):
        Mind2Web(tmp_path).tasks("test")


def test_a_pickle_is_never_read(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "it ran",))

    write(tmp_path, "test_0.json", [record("one")])
    (tmp_path / "scores_all_data.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(BadInput, match="a pickle can run code"):
        Mind2Web(tmp_path).tasks("test")
    assert not (tmp_path / "it ran").exists()


def test_steps_without_a_right_element_are_left_out_of_train_and_failed_in_test(tmp_path):
    bare = record("bare", actions=[action([], "CLICK"), action([12], "CLICK")], action_reprs=["a", "b"])
    write(tmp_path / "train", "train_0.json", [bare])
    write(tmp_path / "test_task", "test_task_0.json", [bare])
    environment = Mind2Web(tmp_path)
    assert len(environment.tasks("train")) == 1
    first, second = environment.tasks("test")
    with pytest.raises(NoExpert):
        environment.expert(first)
    assert play(environment, second).solved


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"annotation_id": None}, "'annotation_id' should be a text or a number, found NoneType"),
        ({"confirmed_task": 3}, "'confirmed_task' should be a text, found int"),
        ({"actions": {}}, "'actions' should be a list, found dict"),
        ({"action_reprs": [1]}, "'action_reprs' should be a list of texts"),
        ({"actions": [7]}, r"actions\[0\]: should be an object, found int"),
        ({"actions": [action([12], "CLICK"), action([1], "HOVER")]}, r"actions\[1\]: 'op' should be"),
        ({"actions": [action([12], "CLICK", cleaned_html="")]}, "'cleaned_html'"),
        ({"actions": [action([12], "CLICK", cleaned_html="<html/>")]}, "no candidate's 'backend_node_id'"),
        ({"actions": [action([12], "CLICK", operation={"op": "TYPE", "value": 3})]}, "'value' should be"),
        ({"actions": [action([12], "CLICK", neg_candidates=[{"tag": "a"}])]}, "'neg_candidates' holds"),
    ],
)  # fmt: skip
def test_a_bad_record_names_file_record_and_field_and_can_be_left_out(tmp_path, bad, said):
    write(tmp_path, "test_0.json", [record("good"), record("bad", **bad)])
    with pytest.raises(BadInput, match=r"test_0.json: record 2: .*" + said):
        Mind2Web(tmp_path).tasks("test")
    environment = Mind2Web(tmp_path, skip_bad=True)
    assert {task.id[:4] for task in environment.tasks("test")} == {"good"}
    (line,) = environment.skipped
    assert line.startswith(f"{tmp_path}/test_0.json: record 2: ")


def test_a_folder_without_a_step_is_reported(tmp_path):
    with pytest.raises(BadInput, match="no step of a task in it"):
        Mind2Web(tmp_path).tasks("test")
    with pytest.raises(BadInput, match="check the path"):
        Mind2Web(tmp_path / "nothing.json").tasks("test")


def test_a_page_is_pruned_to_its_budget(tmp_path, monkeypatch):
    rows = "".join(element("p", 1000 + i, text(f"Remark number {i} about the cars", 5000 + i)) for i in range(2000))
    big = record("big", actions=[action([12], "CLICK", cleaned_html=page(rows))], action_reprs=["x"])
    file = write(tmp_path, "test_0.json", [big])
    for budget in (60, 1000):
        monkeypatch.setenv(BUDGET_VARIABLE, str(budget))
        (task,) = Mind2Web(file).tasks("test")
        for group in task.data["groups"]:
            assert tokens(group["page"].replace("(", "").replace(")", "")) < budget + 60
        assert play(Mind2Web(file), task).solved
    monkeypatch.setenv(BUDGET_VARIABLE, "many")
    with pytest.raises(BadInput, match=BUDGET_VARIABLE):
        Mind2Web(file).tasks("test")


def test_pruning_keeps_what_is_near():
    cards = "".join(
        element(
            "li",
            10 * i,
            element("h3", 10 * i + 1, text(f"Car {i}", 0)) + element("button", 10 * i + 2, text("Rent", 0)),
        )
        for i in range(1, 30)
    )
    whole = parse(element("html", 0, element("ul", 1, cards)))
    assert "(li Car 5 (button A Rent))" in prune(whole, {"52": "A"}, budget=20)
    assert "Car 6" in prune(whole, {"52": "A"}, budget=20)
    assert "Car 29" not in prune(whole, {"52": "A"}, budget=20)
    assert "Car 29" in prune(whole, {"52": "A"}, budget=10_000)


def test_ranking_by_words_and_forcing():
    whole = parse(page())
    identities = [*map(str, range(100, 118)), "10", "12"]
    ranked = lexical_ranks(whole, identities, "compare the cars of Branch 7")
    assert ranked[:2] == ["12", "107"] or ranked[:2] == ["107", "12"]
    assert top(ranked, ["10"], 5, forced=False) == ranked[:5]
    assert top(ranked, ["10"], 5, forced=True) == [*ranked[:4], "10"]


def test_hostile_markup_is_read_without_harm(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    entity = f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{secret}">]><html backend_node_id="1"><p>&x;</p></html>'
    assert "do not tell" not in str(parse(entity).nodes)
    laughs = "".join(f'<!ENTITY l{i} "{("&l" + str(i - 1) + ";") * 10}">' for i in range(1, 12))
    bomb = f'<!DOCTYPE html [<!ENTITY l0 "ha">{laughs}]><html backend_node_id="1"><p>&l11;</p></html>'
    assert len(str(parse(bomb).nodes)) < 100_000
    deep = "<div>" * 100_000
    assert len(parse(f'<html backend_node_id="1">{deep}</html>').nodes) < 1000  # libxml2 stops at its depth
    for broken in ("", "   ", "no markup", "\x00"):
        with pytest.raises(BadInput, match="cleaned_html"):
            parse(broken)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["op", "value", "backend_node_id", "x"]), inner, max_size=3), max_leaves=6
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_record_it_is_read_or_reported(tmp_path, data):
    where = data.draw(st.sampled_from(["record", "action", "operation", "candidate", "html", "bytes"]))
    good = record("fuzz")
    value = data.draw(json_values)
    if where == "record":
        good[data.draw(st.sampled_from(sorted(good)))] = value
    elif where == "action":
        step = good["actions"][0]
        step[data.draw(st.sampled_from(sorted(step)))] = value
    elif where == "operation":
        good["actions"][0]["operation"][data.draw(st.sampled_from(["op", "value"]))] = value
    elif where == "candidate":
        good["actions"][0]["pos_candidates"][0] = data.draw(
            st.just(value) | st.just(candidate(10, backend_node_id=value))
        )
    elif where == "html":
        html = good["actions"][0]["cleaned_html"]
        cut = data.draw(st.integers(0, len(html)))
        good["actions"][0]["cleaned_html"] = html[:cut] + data.draw(st.text(max_size=10)) + html[cut + 3 :]
    file = tmp_path / "fuzz.json"
    content = json.dumps([good]).encode()
    if where == "bytes":
        at = data.draw(st.integers(0, len(content)))
        content = content[:at] + data.draw(st.binary(max_size=6)) + content[at + 4 :]
    file.write_bytes(content)
    environment = Mind2Web(file)
    try:
        tasks = environment.tasks("test")
    except BadInput:
        return
    for task in tasks:
        json.dumps(task.data, ensure_ascii=False).encode("utf-8")
        environment.reset(task).encode("utf-8")
        try:
            assert play(environment, task).solved
        except NoExpert:
            assert not task.data["gold"]["elements"]


@needs_data
def test_the_official_files():
    environment = Mind2Web(Path(os.environ["AGENTTUNING_DATA"]) / "mind2web")
    solved = failed = 0
    for task in environment.tasks("test", limit=300):
        try:
            solved += play(environment, task).solved
        except NoExpert:
            failed += 1
    assert solved + failed == 300
