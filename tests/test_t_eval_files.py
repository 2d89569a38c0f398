"""T-Eval's files in their published layout, with questions of our own; what is not so is told by file and record."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from t_eval_cases import Chosen, right_reply, write_official

from agenttuning.errors import BadInput
from agenttuning.evaluation.t_eval.files import FILES, read_official
from agenttuning.evaluation.t_eval.items import CELLS
from agenttuning.evaluation.t_eval.summary import OFFICIAL, summarize_tool_use


def test_the_published_layout_is_read(tmp_path):
    items = read_official(write_official(tmp_path))
    assert len(items) == 4 + 7 * 2
    by_id = {item.id: item for item in items}
    assert len(by_id) == len(items)
    assert {item.max_tokens for item in items} == {512}
    assert by_id["instruct_v2/query_1"].form == "str"
    assert by_id["plan_str_v2/query_0"].tools == ("Clock.now", "Mail.send")
    # A tool's result is the user's turn, and two turns of one role in a row are one.
    assert by_id["reason_str_v2/query_0"].messages[2:] == (
        ("assistant", "I look."),
        ("user", "{'time': '9:30'}\nAnd now?"),
    )
    assert by_id["reason_str_v2/query_0"].conversation.messages[2].text == "I look."


def test_right_replies_have_the_full_score(tmp_path):
    """All but one of the scores can be 1: understand in JSON has 1/1.00001, so the dimension (1 + 1/1.00001) / 2."""
    items = read_official(write_official(tmp_path))
    exact = {("Use Mail.send to {'to': 'Ada'}", "{'to': 'Ada'}"): 1.0, ("Use Clock.now to {}", "{}"): 1.0}
    result = summarize_tool_use(items, {item.id: right_reply(item) for item in items}, Chosen(exact), source=OFFICIAL)
    assert set(result["cells"]) == set(CELLS) - {"review/json"}
    below = (1 - 1 / 1.00001) / 2 / 6
    # The plan in text ends with a FinishAction that is no tool of the list.
    assert result["overall"]["mean"] == pytest.approx(1 - below, abs=1e-9)


def test_a_limit_takes_the_first_of_each_form(tmp_path):
    items = read_official(write_official(tmp_path, records=3), 2)
    assert [item.id for item in items if item.kind == "instruct"] == [f"instruct_v2/query_{i}" for i in range(4)]
    assert len(items) == 4 + 7 * 2
    assert items == [item for item in read_official(tmp_path) if item in items]


def test_a_prompt_may_be_json_in_text(tmp_path):
    file = write_official(tmp_path) / "review_str_v2.json"
    records = json.loads(file.read_text())
    plain = read_official(tmp_path)
    for record in records.values():
        record["origin_prompt"] = json.dumps(record["origin_prompt"])
    file.write_text(json.dumps(records))
    assert read_official(tmp_path) == plain


def test_missing_files_are_named(tmp_path):
    write_official(tmp_path)
    (tmp_path / "plan_str_v2.json").unlink()
    with pytest.raises(BadInput, match=r"no plan_str_v2\.json; give the folder"):
        read_official(tmp_path)


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("instruct_v2", ["template"], {"thought": "goal"}, "query_0: no 'action'"),
        ("instruct_v2", ["meta_data", "response_format"], "xml", "response_format is 'xml'"),
        ("instruct_v2", ["ground_truth", "args"], [], "needs action"),
        ("plan_json_v2", ["ground_truth"], [{"id": 0}], "no list of calls"),
        ("plan_json_v2", ["meta", "prompt_type"], "ReWOO", "prompt_type is 'ReWOO'"),
        ("plan_str_v2", ["meta", "API_list"], [], "API_list holds no tools"),
        ("review_str_v2", ["ground_truth", "answer"], "AB", "answer is 'AB'"),
        ("reason_str_v2", ["ground_truth"], "x", "ground_truth is str"),
        ("reason_str_v2", ["origin_prompt"], [], "no list of messages"),
        ("reason_str_v2", ["origin_prompt"], "{", "no JSON"),
        ("reason_str_v2", ["origin_prompt", 0, "role"], "bot", "the role 'bot'"),
        ("reason_str_v2", ["origin_prompt", 0, "content"], None, "no text"),
    ],
)
def test_a_wrong_record_is_told_by_file_and_key(tmp_path, name, path, value, message):
    file = write_official(tmp_path) / f"{name}.json"
    records = json.loads(file.read_text())
    part = records["query_0"]
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    file.write_text(json.dumps(records))
    with pytest.raises(BadInput, match=message) as error:
        read_official(tmp_path)
    assert str(file) in str(error.value)


def test_a_template_that_is_no_expression_is_refused(tmp_path):
    file = write_official(tmp_path) / "instruct_v2.json"
    records = json.loads(file.read_text())
    records["query_1"]["template"]["thought_start"] = "("
    file.write_text(json.dumps(records))
    with pytest.raises(BadInput, match="query_1: template is no regular expression"):
        read_official(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"a": 1}', "[" * 5000, "\x00"])
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    write_official(tmp_path)
    for name in FILES:
        (tmp_path / name).write_text(text)
        with pytest.raises(BadInput, match=name):
            read_official(tmp_path)
        write_official(tmp_path)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("json"), st.just("(")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def official(tmp_path_factory) -> Path:
    return write_official(tmp_path_factory.mktemp("official"), records=1)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_gives_items_or_one_clear_error(official, data):
    """Some value of some file becomes another: the reader reads it or says BadInput, and what it read can be scored."""
    file = official / data.draw(st.sampled_from(sorted(FILES)))
    before = file.read_text()
    records = json.loads(before)
    places = []

    def walk(value):
        for key in value if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(records)
    part, key = data.draw(st.sampled_from(places))
    if data.draw(st.booleans()):
        part[key] = data.draw(anything)
    else:
        del part[key]
    file.write_text(json.dumps(records))
    try:
        items = read_official(official)
    except BadInput as error:
        told = str(error)
    else:
        told = file.name
        summarize_tool_use(items, {item.id: "{'a': 1}" for item in items}, Chosen(), source=OFFICIAL)
    finally:
        file.write_text(before)
    assert file.name in told
    assert "\n" not in told
