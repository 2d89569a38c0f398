"""T-Eval's rules on cases worked out by hand from the published evaluators' definitions, to 1e-6."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import nasty, values
from t_eval_cases import KEYS, MARKS, Chosen, item

from agenttuning.evaluation.t_eval.items import CELLS, DIMENSIONS
from agenttuning.evaluation.t_eval.matching import best_matching, longest_chain
from agenttuning.evaluation.t_eval.measure import measure
from agenttuning.evaluation.t_eval.plan import named, plan
from agenttuning.evaluation.t_eval.review import review
from agenttuning.evaluation.t_eval.steps import steps


def close(value):
    return pytest.approx(value, abs=1e-6)


def call(number, name, args="x"):
    return {"id": number, "name": name, "args": args}


ABC = [call(0, "A"), call(1, "B"), call(2, "C")]


@pytest.mark.parametrize(
    ("gold", "planned", "precision", "recall", "score"),
    [
        (ABC, ABC, 1, 1, 1),
        # A-A, C-C, B-B match, and of 0, 2, 1 the longest rising chain has 2: 2/3, 2/3
        (ABC, [call(0, "A"), call(1, "C"), call(2, "B")], 2 / 3, 2 / 3, 2 / 3),
        # the ids say the order, not the list
        (ABC, [call(9, "C"), call("7", "B"), call(-1, "A")], 1, 1, 1),
        # nothing matches, and one call counts all the same: 1/3, 1/2, 2 / (2 + 3)
        (ABC[:2], [call(0, "X"), call(1, "Y"), call(2, "Z")], 1 / 3, 1 / 2, 0.4),
        # a last FinishAction is no call on either side: 1/1, 1/2, 2 / (1 + 2)
        ([*ABC[:2], call(2, "FinishAction")], [call(0, "A"), call(1, "FinishAction")], 1, 1 / 2, 2 / 3),
        # one that is not last is: of A, Finish against A, B the chain is A: 1/3, 1/2, 2 / (3 + 2)
        (ABC[:2], [call(0, "A"), call(1, "FinishAction"), call(2, "Q")], 1 / 3, 1 / 2, 0.4),
        (ABC, [call(0, "FinishAction")], 0, 0, 0),
    ],
)  # fmt: skip
def test_plan_in_json(gold, planned, precision, recall, score):
    result = plan(item("plan", "json", gold), f"My plan: {planned}", Chosen())
    assert result == {"score": close(score), "parsed": 1, "precision": close(precision), "recall": close(recall)}


@pytest.mark.parametrize(
    "reply", ["", "no list", "[]", "{'id': 0}", "[{'id': 0, 'name': 'A'}]", "[{'id': None, 'name': 'A', 'args': ''}]"]
)
def test_a_plan_that_cannot_be_read_has_nothing(reply):
    nothing = {"score": 0, "parsed": 0, "precision": 0, "recall": 0}
    assert plan(item("plan", "json", ABC), reply, Chosen()) == nothing
    one_bad = [*ABC, {"id": 3, "name": "D"}]
    assert plan(item("plan", "json", ABC), str(one_bad), Chosen()) == nothing


def test_a_pair_of_calls_needs_more_than_the_threshold():
    """Equal names give 0.75; arguments alike to 0.2 make 0.8, which is no edge, to 0.24 make 0.81, which is one."""
    gold = [call(0, "A", "p"), call(1, "A", "q")]
    planned = str([call(0, "A", "r"), call(1, "A", "q")])
    for alike, correct in ((0.2, 1), (0.24, 2)):
        result = plan(item("plan", "json", gold), planned, Chosen({("r", "p"): alike}))
        assert result["score"] == close(correct / 2)


def test_the_matching_has_the_greatest_weight_even_where_that_breaks_the_order():
    """0.75 + 0.25 a: r-p 0.9, r-q 0.85, s-p 0.95, s-q 0.775 (no edge). r-q and s-p weigh 1.8, r-p alone 0.9, so
    the partners are 1, 0 and the chain has 1: 2 · 1 / (2 + 2)."""
    numbers = {("r", "p"): 0.6, ("r", "q"): 0.4, ("s", "p"): 0.8, ("s", "q"): 0.1}
    gold = [call(0, "A", "p"), call(1, "A", "q")]
    planned = str([call(0, "A", "r"), call(1, "A", "s")])
    assert plan(item("plan", "json", gold), planned, Chosen(numbers))["score"] == close(0.5)


def test_a_call_made_twice_keeps_its_order():
    twice = [call(0, "A"), call(1, "A"), call(2, "B")]
    assert plan(item("plan", "json", twice), str(twice), Chosen())["score"] == close(1)


def test_plan_in_text():
    """Pieces: "Use T.b to see" is T.b; "Then T.a or T.b" is T.a; "Done" is none; "Use T.a" is T.a. Their partners in
    gold T.a, T.b are 1, 0 and none, of which the chain has 1: 1/3, 1/2, 2 / (3 + 2)."""
    reply = "Use T.b to see. Then T.a or T.b\nDone\nUse T.a"
    found = named(reply, ("T.a", "T.b"))
    assert [(node.id, node.name, node.args) for node in found] == [
        (0, "T.b", "Use T.b to see"),
        (1, "T.a", "Then T.a or T.b"),
        (2, "T.a", "Use T.a"),
    ]
    alike = {("Use T.b to see", "b"): 0.9, ("Then T.a or T.b", "a"): 0.9, ("Use T.a", "a"): 0.3}
    asked = item("plan", "str", [call(0, "T.a", "a"), call(1, "T.b", "b")], tools=("T.a", "T.b"))
    assert plan(asked, reply, Chosen(alike))["score"] == close(0.4)
    assert plan(asked, "nothing of the kind", Chosen())["parsed"] == 0


def test_matching_agrees_with_networkx():
    networkx = pytest.importorskip("networkx")
    rng = random.Random(3)
    for _ in range(150):
        rows, columns = rng.randint(1, 6), rng.randint(1, 6)
        weights = [[rng.choice((0.0, rng.uniform(0.8, 1))) for _ in range(columns)] for _ in range(rows)]
        graph = networkx.Graph()
        edges = [(i, str(j), w) for i, row in enumerate(weights) for j, w in enumerate(row) if w]
        graph.add_weighted_edges_from(edges)
        wanted = {}
        for one, other in networkx.max_weight_matching(graph):
            row, column = (one, other) if isinstance(one, int) else (other, one)
            wanted[row] = int(column)
        assert best_matching(weights) == [wanted.get(i, -1) for i in range(rows)]


@pytest.mark.parametrize(
    ("partners", "length"), [([0, 1, 2], 3), ([2, 1, 0], 1), ([-1, -1], 1), ([1, -1, 0, 2], 2), ([3, 0, 1, 2], 3)]
)
def test_longest_chain(partners, length):
    assert longest_chain(partners) == length


STEP = {"thought": "Look.", "name": "T.a", "args": {"a": 1, "b": "x"}}


@pytest.mark.parametrize(
    ("reply", "thought", "name", "args"),
    [
        (str(STEP), 1, 1, 2 / 2.00001),
        # "1" is written as 1 is; b is another; c costs nothing: 1 of 2
        ('{"thought": "See.", "name": "T.a", "args": {"a": "1", "b": "y", "c": 3}}', 0.7, 1, 1 / 2.00001),
        ('{"thought": "See.", "name": "T.A", "args": "a"}', 0.7, 0, 0),
        ("Well: {'name': 'T.a'} is it", 0, 1, 0),  # what is missing is empty
        ("{}", 0, 0, 0),
    ],
)
def test_steps_in_json(reply, thought, name, args):
    result = steps(item("step", "json", STEP), reply, Chosen({("See.", "Look."): 0.7}))
    scores = {cell: parts["score"] for cell, parts in result.items()}
    assert scores == {"reason/json": close(thought), "retrieve/json": name, "understand/json": close(args)}
    assert all(parts["parsed"] == 1 for parts in result.values())


def test_no_gold_arguments_ask_for_none():
    asked = item("step", "json", {**STEP, "args": {}})
    for args, score in (({}, 1), ("none", 1), ({"a": 1}, 0)):
        reply = str({**STEP, "args": args})
        assert steps(asked, reply, Chosen())["understand/json"]["score"] == score


@pytest.mark.parametrize("reply", ["", "T.a", "[1]", "{1, 2}"])
def test_a_step_that_is_no_object_has_nothing(reply):
    result = steps(item("step", "json", STEP), reply, Chosen())
    assert list(result.values()) == [{"score": 0, "parsed": 0}] * 3


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("T.a", 1),
        ("I would use T.a here.", 1),
        ("T.a, then T.b", 0),
        ("T.a, e.g. now", 0),  # "e.g" looks like a method of a tool
        ("T.a and FinishAction", 0),
        ("T.b", 0),
        ("T. a", 0),
    ],
)
def test_retrieve_in_text(reply, score):
    assert steps(item("retrieve", "str", STEP), reply, Chosen())["retrieve/str"]["score"] == score


@pytest.mark.parametrize(
    ("gold", "reply", "score"),
    [
        ("Ghana", "Ghana", 1), ("Ghana", "'Ghana'", 1), ("Ghana", '"Ghana"', 1), ("Ghana", "'\"Ghana\"'", 1),
        ("Ghana", "\"'Ghana'\"", 0),  # apostrophes are taken off first, quotation marks second
        ("name = 'Ada'", "name = 'Ada'", 0),  # taken off the reply only
        ("Ghana", "It is Ghana", 0), ({"a": 1}, "{'a': 1}", 1), (["x"], '["x"]', 0),
    ],
)  # fmt: skip
def test_understand_in_text(gold, reply, score):
    asked = item("understand", "str", {**STEP, "args": gold})
    assert steps(asked, reply, Chosen())["understand/str"]["score"] == score


def test_reason_in_text_is_the_whole_replys_similarity():
    result = steps(item("reason", "str", STEP), "See there.", Chosen({("See there.", "Look."): 0.25}))
    assert result == {"reason/str": {"score": 0.25, "parsed": 1.0}}


@pytest.mark.parametrize(
    ("reply", "score", "parsed"),
    [
        ("Answer: B", 1, 1), ("B", 1, 1), ("Answer:B, since it broke", 1, 1), ("Because it is so", 1, 1),
        ("Answer: C", 0, 1), ("B: internal error", 0, 0), ("b", 0, 0), ("", 0, 0), ("Answer:", 0, 0),
    ],
)  # fmt: skip
def test_review_in_text(reply, score, parsed):
    assert review(item("review", "str", {"answer": "B"}), reply) == {"score": score, "parsed": parsed}


@pytest.mark.parametrize(
    ("reply", "score", "parsed"),
    [
        ('{"is_finished": false}', 1, 1), ("{'is_finished': False, 'why': 'x'}", 1, 1), ('{"is_finished": 0}', 1, 1),
        ('{"is_finished": true}', 0, 1), ('{"is_finished": "no"}', 0, 0), ('It is {"is_finished": false}', 0, 0),
    ],
)  # fmt: skip
def test_review_in_json(reply, score, parsed):
    asked = item("review", "json", {"answer": {"review": False}})
    assert review(asked, reply) == {"score": score, "parsed": parsed}


GOLD = {"action": "T.a", "args": {"x": 1, "y": ""}}
EVERY_KIND = [
    item("instruct", "json", GOLD, template=KEYS),
    item("instruct", "str", GOLD, template=MARKS),
    item("plan", "json", ABC),
    item("plan", "str", ABC, tools=("A", "B", "C")),
    item("step", "json", STEP),
    item("reason", "str", STEP),
    item("retrieve", "str", STEP),
    item("understand", "str", STEP),
    item("review", "str", {"answer": "A"}),
    item("review", "json", {"answer": {"review": True}}),
]
pieces = st.one_of(
    nasty,
    values.map(repr),
    st.sampled_from(
        ["```json", "{", "}", "[", "]", "'", "goal: ", "\nname: ", "\nargs: ", "{'id': 1, 'name': 'A', 'args': {}}",
         '{"goal": 1, "name": "T.a", "args": {"x": 1e999}}', "0x" + "f" * 6000, "{1, 2}", "T.a", "A", "Answer: ",
         '{"is_finished": 1}', "\ud800", "{'thought': [], 'name': {}, 'args': {'a': ()}}", "b'x'", "\\N{x}", "1if 2"]
    ),
)  # fmt: skip


@given(st.lists(pieces, max_size=5).map("".join))
def test_any_reply_has_a_score(reply):
    measured = measure(EVERY_KIND, {one.id: reply for one in EVERY_KIND}, Chosen())
    assert tuple(measured) == CELLS
    assert {cell.partition("/")[0] for cell in measured} == set(DIMENSIONS)
    for by_item in measured.values():
        for row in by_item.values():
            assert all(0 <= value <= 1 for value in row.values())
