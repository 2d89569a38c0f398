"""Other people's formats: what is read means what it meant, and is written again as it stood."""

import json

import pytest
from corpus_rows import episode
from foreign_rows import (
    AGENT_FLAN,
    FINISH,
    GLAIVE,
    INSTRUCT,
    LOOK,
    LOSSLESS,
    SHAREGPT,
    TOOLBENCH,
    instruct,
    items,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import nasty, trajectories

from agenttuning import dialects
from agenttuning.atif import from_atif, to_atif
from agenttuning.conversation import Conversation, Segment, assistant, from_row, system, to_row, user
from agenttuning.corpus.formats import FORMATS, Refused, get, read
from agenttuning.corpus.formats.base import Row
from agenttuning.dialects import check_call
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import write_jsonl
from agenttuning.trajectory import Decision, ToolCall, Trajectory


def through_disk(item):
    if isinstance(item, Trajectory):
        return from_atif(json.loads(json.dumps(to_atif(item))))
    return from_row(json.loads(json.dumps(to_row(item))))


@pytest.mark.parametrize("format", LOSSLESS)
def test_rows_come_back_to_the_letter(format):
    found = [through_disk(item) for item in items(format, *LOSSLESS[format])]
    rows, lost = written(format, *found)
    assert rows == LOSSLESS[format]
    assert lost == {}


@pytest.mark.parametrize("format", LOSSLESS)
def test_a_files_format_is_told_from_its_rows(tmp_path, format):
    file = tmp_path / "rows.jsonl"
    write_jsonl(file, LOSSLESS[format])
    assert [r.item for r in read(file)] == [r.item for r in read(file, format)]
    assert next(name for name, f in FORMATS.items() if f.fits(LOSSLESS[format][0])) == format


CALLS = {
    "os": [("bash", {"command": "ls /srv"}), ("answer", {"answer": "2"}), ("bash", {"command": "wc -l /tmp/a\n# done"}),
           ("answer", {"answer": "12 (lines)"})],
    "db": [("execute_sql", {"query": "SELECT COUNT(*) FROM `towns`;"}), ("answer", {"values": ["28", 5]})],
    "alfworld": [("go", {"receptacle": "diningtable 1"}),
                 ("take", {"object": "laptop 1", "receptacle": "diningtable 1"}),
                 ("put", {"object": "laptop 1", "receptacle": "bed 1"})],
    "webshop": [("search", {"keywords": "red mug price < 9.00"}), ("click", {"value": "Mug [red]"})],
    "kg": [("get_relations", {"variable": "Kerosene"}), ("answer", {"variable": "#0"}),
           ("get_neighbors", {"variable": "Paris, Texas", "relation": "location.near"}),
           ("intersection", {"variable1": "#0", "variable2": "#1"}), ("answer", {"variable": "#2"})],
    "mind2web": [("act", {"choice": "B", "action": "TYPE", "value": "Hello: you"})],
}  # fmt: skip
GOALS = {
    "os": "How many lines has /tmp/a (all of it)?",
    "db": "How many towns are there?",
    "alfworld": "find two laptop and put them in bed.",
    "webshop": "a red mug, price lower than 9.00 dollars",
    "kg": "what is near Paris, Texas?",
    "mind2web": "Write a mail",
}


@pytest.mark.parametrize("task", INSTRUCT)
def test_the_six_tasks_of_agentinstruct_are_parsed_into_calls(task):
    (found,) = items("agentinstruct", INSTRUCT[task])
    calls = [step.decision.call for step in found.steps]
    assert calls == [ToolCall(*call) for call in CALLS[task]]
    assert found.task.goal == GOALS[task]
    for call in calls:
        check_call(call, found.tools)
    assert found.solved
    assert found.reward == (2 / 3 if task == "mind2web" else 1.0)


def test_demonstrations_stay_in_context_untrained():
    (found,) = items("agentinstruct", INSTRUCT["kg"])
    assert [step.train for step in found.steps] == [False, False, True, True, True]
    assert found.steps[0].observation == "[fuel.engines]"
    assert found.steps[2].decision.thought == "Follow it."
    chat = dialects.get("native").write(found)
    assert [bool(m.train) for m in chat.messages if m.role == "assistant"] == [False, False, True, True, True]
    assert "I have understood" not in "".join(m.text for m in chat.messages)


def test_a_turn_in_no_known_form_stays_as_text_and_is_counted():
    row = instruct(
        "webshop_1",
        ("human", "Buy a mug."),
        ("gpt", "Thought:\nI search.\n\nAction:\nsearch[mug]"),
        ("human", "A mug."),
        ("gpt", "I think that I have bought it."),
    )
    (record,) = FORMATS["agentinstruct"].records([Row("f:1", row)], pytest.fail)
    assert record.notes == ("unread_turn",)
    last = record.item.steps[-1]
    assert (last.decision, last.error, last.written) == (Decision(), "format", "I think that I have bought it.")
    assert not dialects.get("react").write(record.item).messages[-1].segments[0].train
    assert written("agentinstruct", record.item) == ([row], {})


def test_a_step_that_was_masked_is_written_masked():
    from dataclasses import replace

    (found,) = items("agentinstruct", INSTRUCT["alfworld"])
    masked = replace(found, steps=(replace(found.steps[0], train=False), *found.steps[1:]))
    ((row,), _) = written("agentinstruct", masked)
    assert [turn["loss"] for turn in row["conversations"] if turn["from"] == "gpt"] == [False, False, True, True]


def test_agent_flan_rows_are_trajectories_where_every_turn_is_read_and_chats_else():
    house, maps, chat = items("agent-flan", *AGENT_FLAN)
    assert house.steps[0].decision.call == ToolCall("go", {"receptacle": "shelf 1"})
    assert [step.decision.call.name for step in maps.steps] == ["look_for_maps", "Finish"]
    assert [tool.name for tool in maps.tools] == ["look_for_maps", "Finish"]
    assert maps.task.id == "f:2"
    assert isinstance(chat, Conversation)
    assert [m.train for m in chat.messages if m.role == "assistant"] == [True, False]


def test_toolbench_rows_of_one_path_are_one_trajectory():
    (found,) = items("toolbench", *TOOLBENCH)
    assert [step.decision for step in found.steps] == [
        Decision(None, ToolCall("look_for_maps", {"place": "Ulm"})),
        Decision("I know it.", ToolCall("Finish", {"return_type": "give_answer", "final_answer": "On the Danube."})),
    ]
    assert [step.train for step in found.steps] == [True, True]
    assert (found.task.goal, found.opening, found.outcome) == ("Where is Ulm?", "Where is Ulm?", "solved")
    assert found.steps[0].observation == '{"error": "", "response": "Danube"}'


def test_a_toolbench_row_alone_trains_its_last_turn():
    (found,) = items("toolbench", TOOLBENCH[1])
    assert [step.train for step in found.steps] == [False, True]
    assert written("toolbench", found) == ([TOOLBENCH[1]], {})


def test_paths_that_do_not_continue_each_other_stay_apart():
    other = json.loads(json.dumps(TOOLBENCH[1]).replace("Danube", "Iller"))
    first, second = items("toolbench", TOOLBENCH[0], other)[0], items("toolbench", TOOLBENCH[1], other)
    assert len(first.steps) == 2  # the first row is the beginning of both
    assert [item.steps[0].observation.count("Danube") for item in second] == [1, 0]


def test_giving_up_is_a_failure():
    row = json.loads(json.dumps(TOOLBENCH[1]))
    row["conversations"][-1]["value"] = row["conversations"][-1]["value"].replace("give_answer", "give_up_and_restart")
    (found,) = items("toolbench", row)
    assert (found.outcome, found.reward) == ("failed", 0.0)


ANSWER = {
    "tree": {"tree": {"children": [{"children": []}, {"children": []}]}},
    "answer_generation": {
        "valid_data": True,
        "query": "Where is Ulm?",
        "function": [LOOK, FINISH],
        "train_messages": [
            [
                {"role": "system", "content": "Use tools."},
                {"role": "user", "content": "\nWhere is Ulm?\nBegin!\n"},
                {"role": "assistant", "content": "I look."},
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "look_for_maps", "arguments": '{"place": "Ulm"}'},
                },
            ]
        ],
    },
}


def test_an_answer_tree_gives_the_path_that_was_kept():
    (record,) = FORMATS["toolbench"].records([Row("f[0]", ANSWER)], pytest.fail)
    assert record.notes == ("search_branches",)
    assert record.item.steps[0].decision == Decision("I look.", ToolCall("look_for_maps", {"place": "Ulm"}))
    ((row,), _) = written("toolbench", record.item)
    assert row["id"] == "Step 3: Where is Ulm?"
    assert row["conversations"][0]["value"].endswith(repr([LOOK, FINISH]))


def test_sharegpt_calls_and_tools_are_structured():
    _, chat, kind = items("sharegpt", *SHAREGPT)
    assert chat.messages[2].calls == (ToolCall("look", {"place": "Ulm"}),)
    assert chat.tools[0].name == "look"
    assert [m.train for m in chat.messages if m.role == "assistant"] == [True, False, True]
    assert kind.messages[0].role == "system"


def test_glaive_text_becomes_calls_and_results():
    chat, plain = items("glaive", *GLAIVE)
    assert [m.role for m in chat.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert chat.messages[2].calls == (ToolCall("look", {"place": "Ulm's centre"}),)
    assert chat.messages[3].text == '{"river": "Danube"}'
    assert [m.text for m in plain.messages] == ["You have no functions.", "Hi", "Hello!"]


def test_glaive_text_that_is_laid_out_otherwise_is_read_and_noted():
    row = {"system": "SYSTEM: Hello.", "chat": "USER: Hi\nASSISTANT: Hello! <|endoftext|>\n"}
    (record,) = FORMATS["glaive"].records([Row("f:1", row)], pytest.fail)
    assert record.notes == ("layout",)
    assert [m.text for m in record.item.messages] == ["Hello.", "Hi", "Hello!"]


def test_older_openai_spellings_are_read():
    row = {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
            {"role": "user", "content": "Where?", "name": "ann"},
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "name": "look", "content": "Here."},
        ],
        "functions": [{"name": "look", "parameters": {"type": "object"}}],
    }
    (record,) = FORMATS["openai"].records([Row("f:1", row)], pytest.fail)
    assert record.notes == ("content_parts", "function_call", "message_fields")
    chat = record.item
    assert [m.role for m in chat.messages] == ["system", "user", "assistant", "tool"]
    assert chat.messages[2].calls == (ToolCall("look", {}),)
    assert chat.messages[0].text == "Be brief."


def test_our_own_corpus_rows_keep_segments_and_weights():
    chat = Conversation(
        (system("S"), user("U"), assistant(Segment("a", 0.5, "reasoning"), Segment("b", True, "retrieval"))),
        id="x",
        meta={"environment": "database"},
    )
    assert items("openai", json.loads(json.dumps(to_row(chat)))) == [chat]
    ((row,), lost) = written("openai", chat)
    assert lost == {"capabilities": 1, "loss_within_turn": 1}
    assert row["messages"][2] == {"role": "assistant", "content": "ab"}


LOST = {
    "agentinstruct": {},
    "agent-flan": {},
    "toolbench": {},
    "sharegpt": {},
    "glaive": {"untrained_turns": 1},
    "openai": {},
    "atif": {},
    "hub": {},
    "inspect": {},
    "parquet": {},
}


@pytest.mark.parametrize("format", FORMATS)
def test_a_trajectory_of_ours_goes_into_every_format(format):
    steps = episode(3, steps=3).steps
    from dataclasses import replace

    ours = replace(episode(3), steps=(*steps[:2], replace(steps[2], train=False)))
    rows, lost = written(format, ours)
    lost.pop("capabilities", None)
    assert lost == LOST[format]
    text = json.dumps(rows)
    assert text.count("It is 3.") >= 3 if format != "toolbench" else len(rows) == 2


def test_a_chat_has_no_place_among_trajectories():
    (chat, *_) = items("sharegpt", SHAREGPT[0])
    for format in ("atif", "toolbench", "inspect"):
        assert written(format, chat) == ([], {"no_trajectory": 1})


@settings(max_examples=50)
@given(trajectories)
def test_any_trajectory_comes_back_from_parquet_and_toolbench_rows_hold_each_trained_step(trajectory):
    rows, _ = written("parquet", trajectory)
    assert items("parquet", *json.loads(json.dumps(rows))) == [trajectory]
    rows, lost = written("toolbench", trajectory)
    assert len(rows) <= sum(step.train for step in trajectory.steps)
    assert bool(rows) != bool(lost.get("nothing_trained"))


text = st.one_of(nasty, st.sampled_from(["", "Hi", "USER: x", "[1]"]))
turns = st.tuples(st.sampled_from(["human", "gpt", "system", "observation"]), text, st.booleans())


@settings(max_examples=100)
@given(st.lists(turns, min_size=1, max_size=6))
def test_chats_of_any_text_come_back_from_sharegpt_and_openai(spoken):
    row = {
        "id": "1",
        "conversations": [
            {"from": who, "value": said, **({"loss": False} if who == "gpt" and not train else {})}
            for who, said, train in [("human", "Hi", True), *spoken]
        ],
    }
    (chat,) = items("sharegpt", row)
    assert written("sharegpt", chat)[0] == [row]
    ((as_openai,), lost) = written("openai", chat)
    assert lost == {}
    (again,) = items("openai", json.loads(json.dumps(as_openai)))
    assert [(m.role, m.text, m.train) for m in again.messages] == [(m.role, m.text, m.train) for m in chat.messages]


def test_an_unknown_format_is_named_with_what_was_seen(tmp_path):
    file = tmp_path / "x.jsonl"
    write_jsonl(file, [{"question": "?", "answer": "!"}])
    with pytest.raises(BadInput, match=r"fields 'question', 'answer' is of no known format; the formats are atif, "):
        list(read(file))
    with pytest.raises(BadInput, match=r"unknown format 'sharegtp'; did you mean 'sharegpt'\?"):
        get("sharegtp")
    refused = Refused()
    write_jsonl(tmp_path / "y.jsonl", SHAREGPT)
    assert len(list(read(tmp_path, refused=refused))) == 3
    assert refused.counts == {"unknown_format": 1}


def test_a_bad_row_costs_that_row_unless_strict(tmp_path):
    file = tmp_path / "x.jsonl"
    rows = [SHAREGPT[0], {"conversations": [{"from": "dog", "value": "Woof"}]}, {"conversations": []}, SHAREGPT[2]]
    write_jsonl(file, rows)
    refused = Refused()
    assert [r.where for r in read(file, refused=refused)] == [f"{file}:1", f"{file}:4"]
    assert refused.counts == {"unknown_role": 1, "empty": 1}
    with pytest.raises(BadRow, match=r"x\.jsonl:2: conversations\[0\] needs 'from' .*found 'dog'"):
        list(read(file, strict=True))
