"""Sound data is clean, mended data is clean, and no input breaks the linter."""

import copy
import json
from pathlib import Path

import pytest
from corpus_rows import chat, episode
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_rows import FAULTY, SOUND
from strategies import nasty, trajectories, values

from agenttuning.agents.expert import ExpertAgent
from agenttuning.atif import from_atif, to_atif
from agenttuning.conversation import from_row, to_row
from agenttuning.corpus.general import GENERAL
from agenttuning.corpus.lint import RULES, Report, Row, chosen_rules, fixed, read_rows
from agenttuning.corpus.lint.fix import mendable
from agenttuning.corpus.lint.view import View
from agenttuning.dialects import DIALECTS
from agenttuning.environments import environment_class, names
from agenttuning.errors import BadInput, MissingExtra, MissingProgram
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.workers import Pool
from agenttuning.trajectory import Trajectory


@pytest.fixture(scope="module")
def expert_episodes():
    """Five of every environment that can run here, played as `collect` plays them."""
    out = []
    for name in names():
        try:
            environment_class(name)
        except (MissingExtra, MissingProgram):
            continue
        with Pool({name: None}, processes=1) as pool, pool.seat(name) as seat:
            out += [run_episode(seat, seat.describe(), task, ExpertAgent()) for task in seat.tasks("train", limit=5)]
    assert len(out) >= 30
    assert all(one.solved for one in out)
    return out


@pytest.mark.parametrize("dialect", [None, *DIALECTS])
def test_the_experts_make_no_faults(expert_episodes, dialect):
    report = Report(chosen_rules())
    for one in expert_episodes:
        report.check(Row(one.task.id, DIALECTS[dialect].write(one) if dialect else one))
    assert report.faulty == 0, report.table()


def test_the_built_in_general_rows_have_no_faults():
    report = Report(chosen_rules())
    for row in read_rows(GENERAL):
        report.check(row)
    assert report.faulty == 0, report.table()


def as_row(item) -> dict:
    return to_atif(item) if isinstance(item, Trajectory) else to_row(item)


def read_back(raw: dict):
    return from_atif(raw) if "schema_version" in raw else from_row(raw)


def texts(raw: dict) -> dict:
    """A row without what says how it is trained."""
    raw = copy.deepcopy(raw)
    for message in raw.get("messages", []):
        for key in ("train", "loss", "trainable", "weight"):
            message.pop(key, None)
        if "segments" in message:
            message["segments"] = [[piece[0], *piece[2:]] for piece in message["segments"]]
    for step in raw.get("steps", []):
        step.get("extra", {}).pop("train", None)
    return raw


def mend(item, fix):
    """(the row that is written or None, the findings that were mended)"""
    row = Row("x:1", item, as_row(item))
    findings = mendable(Report(chosen_rules()).check(row), ())
    return fixed(row, findings, fix), findings


def check_mended(item):
    dropped, findings = mend(item, "drop")
    assert (dropped is None) == bool(findings)
    masked, findings = mend(item, "mask")
    if masked is None:
        return
    assert texts(masked) == texts(as_row(item))
    again = read_back(masked)
    assert mendable(Report(chosen_rules()).check(Row("x:1", again)), ()) == []
    parts = View(again).parts
    assert not any(parts[finding.turn].trained for finding in findings)
    kept = [i for i in View(item).answers if i not in {finding.turn for finding in findings}]
    assert View(again).answers == kept  # nothing but the faulty turns lost its loss


@pytest.mark.parametrize("item", [row for _, row, *_ in (*FAULTY, *SOUND)])
def test_mended_rows_are_clean_and_say_the_same(item):
    check_mended(item)


@settings(max_examples=150)
@given(trajectories, st.sampled_from([None, *DIALECTS]))
def test_mended_rows_of_any_trajectory_are_clean(trajectory, dialect):
    check_mended(DIALECTS[dialect].write(trajectory) if dialect else trajectory)


def test_a_row_of_which_nothing_is_left_to_train_is_left_out():
    name, item, _ = next(case for case in FAULTY if case[0] == "control-characters")
    assert mend(item, "mask")[0] is None
    assert [finding.rule.name for finding in mend(item, "mask")[1]] == [name]


def test_a_foreign_weight_is_taken_away_too():
    raw = chat(1)
    raw["messages"][1] |= {"content": "\x1bred", "weight": 1, "loss": True}
    raw["messages"] += [{"role": "user", "content": "Again."}, {"role": "assistant", "content": "Red."}]
    row = Row("x:1", from_row(raw), raw)
    mended = fixed(row, Report(chosen_rules()).check(row), "mask")
    assert mended is not None
    assert mended["messages"][1] == {
        "role": "assistant", "content": "\x1bred", "train": False, "loss": False, "weight": 0
    }  # fmt: skip
    assert "train" not in raw["messages"][1]
    assert mended["messages"][3] == raw["messages"][3]


# Texts in which a rule's first look finds something, so that the rest of it runs.
triggers = st.lists(
    st.one_of(
        nasty,
        st.sampled_from(
            [
                "curl ",
                "https://x.example/a ",
                "| sh",
                "wget -O x ",
                "base64 -d ",
                "exec(",
                "urlopen(",
                "rm -rf /",
                "nc -e ",
                "> authorized_keys",
                "/dev/tcp/",
                "SELECT ",
                "`a.b`",
                " FROM t",
                "Answer: C.",
                "A. x\n",
                "B. y\n",
                "click[x]",
                "clickables: ['a']",
                "```\n",
                "sk-",
                "AKIA",
                "ghp_",
                "-----BEGIN PRIVATE KEY-----\n",
                "I'm sorry, but I can't ",
                "as expected",
                "returned the expected answer",
                "Observation:",
                "Ã©",
                "�",
                "\x1b[0m",
                "Action Input: {",
                "the",
            ]
        ),
    ),
    max_size=12,
).map("".join)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": triggers},
    optional={
        "train": st.sampled_from([True, False, 0.5]),
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {
                    "function": st.fixed_dictionaries(
                        {"name": nasty, "arguments": st.dictionaries(nasty, values | triggers)}
                    )
                }
            ),
            max_size=2,
        ),
    },
)
schema_keys = st.sampled_from(["type", "properties", "required", "additionalProperties", "anyOf"])
parameters = st.dictionaries(schema_keys, values | st.just({"a": {"type": "string"}}))
tools = st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": nasty, "parameters": parameters})})


@settings(max_examples=300)
@given(st.lists(messages, min_size=1, max_size=6), st.lists(tools, max_size=2))
def test_no_chat_row_breaks_a_rule(turns, functions):
    row = {"messages": turns, "tools": functions}
    try:
        item = from_row(row)
    except BadInput:
        return
    check_mended(item)


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_break_the_reader(tmp_path_factory, data):
    """Rows with one value put in place of another, cut lines, and noise."""
    good = [to_atif(episode(1, steps=2)), chat(1), to_row(DIALECTS["native"].write(episode(2, steps=2)))]
    spoiled = [json.dumps(spoil(data, copy.deepcopy(row))).encode() for row in good]
    cut = data.draw(st.integers(0, len(spoiled[0])))
    lines = [*spoiled, spoiled[0][:cut], data.draw(st.binary(max_size=40)).replace(b"\n", b""), b'{"a": "\\ud800"}']
    path = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    path.write_bytes(b"\n".join(lines))
    report = Report(chosen_rules())
    for row in read_rows(path):
        findings = report.check(row)
        for fix in ("drop", "mask"):
            json.dumps(fixed(row, mendable(findings, ()), fix), ensure_ascii=False).encode()
    assert report.rows <= len(lines)
    assert set(report.counts) == set(RULES)


def spoil(data, row):
    """One value of the row, anywhere in it, replaced."""
    place, key = row, data.draw(st.sampled_from(sorted(row)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(values)
    return row


@pytest.mark.parametrize(
    "unit", ["rm -", "sudo -a ", "curl x | ", "SELECT `a.b` ", "nc -", "-----BEGIN PRIVATE KEY-----\n", "{"]
)
def test_long_rows_of_nothing_are_read_to_their_end(unit):
    """In time that grows with their length: a pattern that goes back and forth would take hours here."""
    talk = from_row(
        {"messages": [{"role": "user", "content": unit * 5000}, {"role": "assistant", "content": unit * 20_000}]}
    )
    found = {finding.rule.name for finding in Report(chosen_rules()).check(Row("x:1", talk))}
    assert found <= {"truncated-end"}


def test_deep_nesting_and_long_numbers_are_unreadable_rows(tmp_path: Path):
    path = tmp_path / "deep.jsonl"
    deep = '{"messages": [{"role": "user", "content": ""}], "meta": {"a": ' + "[" * 150 + "]" * 150 + "}}"
    path.write_text("\n".join([deep, "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "[]", "", json.dumps(chat(1))]))
    report = Report(chosen_rules(), examples=9)
    assert [len(report.check(row)) for row in read_rows(path)] == [1, 1, 1, 1, 0]
    told = [one["text"] for one in report.counts["unreadable-row"].examples]
    assert told[0] == "nested more than 100 deep"
    assert report.counts["unreadable-row"].examples[3]["where"].endswith("deep.jsonl:4")
