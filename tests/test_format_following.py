"""One step in the form that is asked for, exactly; the form's words are labelled as such."""

import json
from collections import Counter
from itertools import islice

import pytest
from corpus_rows import episode
from expert_rows import experts, trained
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import trajectories

from agenttuning.corpus.format_following import FORMS, format_following
from agenttuning.dialects import get
from agenttuning.errors import BadInput


def made(count, *, source=None, seed=0, **options):
    return list(format_following(experts() if source is None else source, count=count, seed=seed, **options))


def origin(row):
    environment, task, seed = row.meta["source"].rsplit("/", 2)
    return next(e for e in experts() if e.key == (environment, task, int(seed)))


def test_counts_are_those_asked_for():
    assert Counter(form for form, _ in made(200)) == {"react": 67, "json": 67, "plain": 66}
    assert Counter(form for form, _ in made(200, forms={"json": 3, "react": 1})) == {"json": 150, "react": 50}


def test_react_and_json_are_read_back_as_a_step_of_the_episode():
    for form, row in made(120, forms={"react": 1, "json": 1}):
        source = origin(row)
        decision = get(form).read(row.messages[-1].text, source.tools)
        assert decision in [step.decision for step in source.steps]
        assert get(form).text(decision, source.tools) == row.messages[-1].text


def test_plain_words_hold_thought_tool_and_arguments_and_no_format():
    for _, row in made(120, forms={"plain": 1}):
        text = row.messages[-1].text
        decisions = [
            s.decision for s in origin(row).steps if s.decision.thought and text.startswith(s.decision.thought)
        ]
        assert any(
            d.call.name in text
            and all((v if isinstance(v, str) else json.dumps(v)) in text for v in d.call.arguments.values())
            for d in decisions
        )
        assert "Action" not in text
        assert not text.startswith("{")
        assert {s.capability for s in row.messages[-1].segments} == {"reasoning", "retrieval", "understanding"}


def test_the_whole_answer_is_trained_and_nothing_else():
    for form, row in made(150):
        *before, last = row.messages
        assert trained(row) == last.text
        assert last.train
        assert all(s.capability for s in last.segments)
        labels = {s.capability for s in last.segments}
        assert ("instruction_following" in labels) == (form != "plain")
        assert not any(m.train for m in before)


def test_the_last_message_names_the_form():
    told = {"react": ("Action Input:",), "json": ("JSON", "object"), "plain": ("plain", "words", "would", "everyday")}
    for form, row in made(300):
        request = row.messages[-2].text
        assert any(word in request for word in told[form])
        assert all(tool.name in row.messages[0].text for tool in origin(row).tools)
        assert origin(row).opening in row.messages[0].text + row.messages[1].text


def test_half_of_the_contexts_are_one_message():
    kinds = Counter(row.messages[0].role for _, row in made(300))
    assert set(kinds) == {"user", "system"}
    assert min(kinds.values()) > 110


def test_the_same_seed_gives_the_same_rows_however_many_are_taken():
    rows = made(60)
    again = format_following(experts(), count=60, seed=0)
    assert list(islice(again, 25)) == rows[:25]
    assert list(again) == rows[25:]
    assert {tuple(m.text for m in row.messages) for _, row in made(60, seed=1)}.isdisjoint(
        {tuple(m.text for m in row.messages) for _, row in rows}
    )


def test_every_row_is_encoded_and_its_answer_trained():
    pytest.importorskip("torch")
    from agenttuning.models import BUILT_IN, load_tokenizer, resolve
    from agenttuning.training.encode import Encoder

    tokenizer = load_tokenizer(resolve(BUILT_IN))
    rows = [row for _, row in made(90)]
    for row, encoded in zip(rows, Encoder(tokenizer).encode_all((row, "") for row in rows), strict=True):
        [one] = encoded
        assert tokenizer.decode(one.ids[one.weights > 0]) == trained(row) + "<|im_end|>"


def _usable(episode):
    names = {tool.name for tool in episode.tools}
    return any(
        s.train and s.error is None and s.decision.thought and s.decision.call and s.decision.call.name in names
        for s in episode.steps
    )


@settings(max_examples=30)
@given(st.lists(trajectories, min_size=1, max_size=4), st.integers(0, 3))
def test_any_trajectories_become_rows_or_are_refused(episodes, seed):
    if not any(_usable(episode) for episode in episodes):
        with pytest.raises(BadInput, match="no trajectory"):
            made(9, source=episodes, seed=seed)
        return
    rows = made(9, source=episodes, seed=seed)
    assert Counter(form for form, _ in rows) == dict.fromkeys(FORMS, 3)
    for _, row in rows:
        assert trained(row) == row.messages[-1].text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"forms": {"jason": 1}}, "did you mean 'json'"),
        ({"forms": {"json": 0}}, "weight"),
        ({"count": -1}, "0 or more"),
        ({"source": iter(())}, "read once"),
        ({"source": [episode(0, train=False)]}, "no trajectory"),
    ],
)
def test_what_cannot_be_is_said(wrong, told):
    with pytest.raises(BadInput, match=told):
        made(**{"count": 5, **wrong})
