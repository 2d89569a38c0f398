"""Contamination is found exactly as its definition says, in plants too, and templates are told from items."""

import pickle
import re
from random import Random

import numpy as np
import pytest
from contamination_reference import Reference, split
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.corpus.contamination import Index, Item, Rules, Tally, build, mark
from agenttuning.corpus.contamination.tally import covered, rates
from agenttuning.corpus.contamination.words import ITEMS, ROWS, clean, hashes, places, text_of
from agenttuning.errors import BadInput

VOCABULARY = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("alo", "eri", "ino", "obu", "una", "yx")]


def prose(rng: Random, length: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=length))


def own_words(index: Index, item: int) -> set[int]:
    document = index.own_document[item]
    start, end = index.starts[document], index.ends[document]
    return set(np.flatnonzero(index.own[start:end]).tolist())


def found_words(index: Index, texts: list[str], text: int, item: int) -> set[int]:
    document, equal = index.own_document[item], mark(index, texts).equal
    mine = equal[:, (equal[0] == text) & (equal[1] == document)]
    start = index.starts[document]
    return {place - start for first, end in mine[2:].T.tolist() for place in range(first, end)}


@st.composite
def corpora(draw):
    """Few words, so that everything matches everything, and some texts with an item in them, changed here and there."""
    letters = "abcdefghijklmnopqrst"[: draw(st.sampled_from([2, 3, 6, 20]))]
    n = draw(st.integers(2, 6))
    rules = Rules(n, draw(st.integers(0, 3)), draw(st.integers(2, n)), draw(st.integers(1, 4)))
    rng = Random(draw(st.integers(0, 10**9)))

    def some(most: int) -> str:
        return " ".join(rng.choice(letters) for _ in range(rng.randint(0, most)))

    items = [
        Item(rng.choice("AB"), str(i), some(20), some(8) if rng.random() < 0.4 else "")
        for i in range(rng.randint(1, 5))
    ]
    texts = []
    for _ in range(rng.randint(1, 3)):
        words = rng.choice(items).text.split() if rng.random() < 0.6 else []
        for _ in range(rng.randint(0, 4) if words else 0):
            words[rng.randrange(len(words))] = "z"
        texts.append(" ".join([some(25), *words, some(5)]))
    return items, rules, texts


@settings(max_examples=150)
@given(corpora())
def test_it_agrees_with_the_definition(corpus):
    items, rules, texts = corpus
    index, reference = build(items, rules), Reference(items, rules)
    tally = Tally(index)
    tally.add(mark(index, texts), ["source"] * len(texts), [str(i) for i in range(len(texts))])
    whole = rates(index, tally.all())
    for i, item in enumerate(items):
        own, words, template = reference.own(item), split(item.text), split(item.template)
        assert own_words(index, i) == own
        matched = set()
        for k, text in enumerate(texts):
            assert found_words(index, texts, k, i) == reference.matched(item, text)
            matched |= reference.matched(item, text)
        known = len(matched | reference.known(words, texts)) + len(reference.known(template, texts))
        total = len(words) + len(template)
        assert whole.with_templates[i] == pytest.approx(known / total if total else np.nan, nan_ok=True)
        judged = own and len(words) >= min(5, rules.n)
        assert whole.own[i] == pytest.approx(len(matched & own) / len(own) if judged else np.nan, nan_ok=True)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_every_word_has_a_hash_and_a_place(texts):
    counts = [len(places(clean(text))) for text in texts]
    assert len(hashes(texts, ROWS)) == sum(counts) + len(texts)
    for text, count in zip(texts, counts, strict=True):
        assert len(hashes([text], ITEMS)) == count + 1


def test_spelling_hides_nothing_and_cuts_no_word():
    same = ["Über 3.5 Straßen, c_d!", "über—3 5 (STRASSEN) C D", "U\u0308ber\n3,5 straßen c-d"]
    rows = [hashes([text], ROWS).tolist() for text in same]
    assert rows[0] == rows[1] == rows[2]
    assert len(hashes(["私は学生です"], ROWS)) == 7
    assert [*map(len, (hashes(["x" * 3_000_000 + " y"], ROWS), hashes([""], ROWS)))] == [5, 1]
    long = " ".join(VOCABULARY * 9000)  # several pieces
    assert hashes([long], ROWS)[1:].tolist() == hashes(VOCABULARY, ROWS)[1::2].tolist() * 9000


def test_what_a_model_reads_of_a_row():
    call = {"function": {"name": "look", "arguments": '{"at": "box"}'}}
    row = {
        "id": "hidden",
        "source": "hidden",
        "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two", "tool_calls": [call]}],
        "meta": {"note": "hidden"},
    }
    assert split(text_of(row)) == ["one", "two", "look", "at", "box"]
    assert (
        text_of({"conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "two"}]}) == "one\ntwo"
    )


def planted(length: int, changed: int, count: int = 200) -> tuple[list[Item], list[str]]:
    rng = Random(f"plants {length} {changed}")
    items, rows = [], []
    for i in range(count):
        text = prose(rng, length)
        words = text.split()
        for place in rng.sample(range(length), changed):
            words[place] = f"other{place}"
        items.append(Item("set", str(i), text))
        rows.append(f"{prose(rng, rng.randint(20, 300))}. {' '.join(words)}! {prose(rng, rng.randint(0, 100))}")
    return items, rows


@pytest.mark.parametrize("length", [5, 9, 10, 12, 16, 20, 40, 150])
def test_every_exact_plant_is_found_whole(length):
    items, rows = planted(length, 0)
    index = build(items, Rules())
    shares = covered(index, mark(index, rows))
    assert [shares[i, int(index.own_document[i])] for i in range(len(items))] == [1.0] * len(items)


@pytest.mark.parametrize("length", [16, 20, 40, 150])
def test_plants_with_four_changed_words_are_found(length):
    items, rows = planted(length, 4)
    index = build(items, Rules())
    shares = covered(index, mark(index, rows))
    found = [shares.get((i, int(index.own_document[i])), 0.0) for i in range(len(items))]
    assert sum(share > 0 for share in found) >= 0.95 * len(items)
    assert max(found) == pytest.approx((length - 4) / length)


def test_random_rows_are_clean():
    rng = Random(1)
    items = [Item("set", str(i), prose(rng, 30)) for i in range(100)]
    index = build(items, Rules())
    assert mark(index, [prose(rng, 500) for _ in range(200)]).equal.shape == (4, 0)


def test_llama_2s_rule_needs_n_words_in_a_row():
    rng = Random(2)
    words = prose(rng, 30).split()
    changed = [word if i % 7 else "other" for i, word in enumerate(words)]  # runs of six
    for exact, found in ((3, True), (10, False)):
        index = build([Item("set", "1", " ".join(words))], Rules(exact=exact, mismatches=5))
        assert bool(mark(index, [" ".join(changed)]).equal.size) == found


def test_templates_are_told_apart_in_both_numbers():
    rng = Random(3)
    instructions, shared = prose(rng, 60), prose(rng, 15)
    items = [Item("env", str(i), f"{prose(rng, 20)} {shared}", instructions) for i in range(10)]
    index = build(items, Rules())
    tally = Tally(index)
    tally.add(mark(index, [f"{instructions} {prose(rng, 50)} {shared}"]), ["agent/env"], ["1"])
    result = rates(index, tally.all())
    assert result.own.tolist() == [0.0] * 10
    assert result.with_templates == pytest.approx([75 / 95] * 10)


def test_a_tally_of_parts_is_that_of_the_whole():
    items, rows = planted(25, 2, count=40)
    index = build(items, Rules())
    sources = [f"source-{i % 3}" for i in range(len(rows))]
    names = [f"rows:{i:03}" for i in range(len(rows))]
    whole, parts = Tally(index), [Tally(index), Tally(index)]
    whole.add(mark(index, rows), sources, names)
    for part, chosen in zip(parts, (slice(25, None), slice(0, 25)), strict=True):
        part.add(mark(pickle.loads(pickle.dumps(index)), rows[chosen]), sources[chosen], names[chosen])
    parts[0].merge(parts[1])
    for name in whole.sources:
        one, other = whole.of(name), parts[0].of(name)
        assert (one.marked == other.marked).all()
        assert (one.known == other.known).all()
        assert (one.rows, one.examples) == (other.rows, other.examples)


def test_one_row_is_marked_as_in_a_batch():
    items, rows = planted(30, 3, count=20)
    index = build(items, Rules())
    together = mark(index, rows)
    for i, row in enumerate(rows):
        alone = mark(index, [row])
        assert alone.matches[1:].tolist() == together.matches[1:, together.matches[0] == i].tolist()
        assert alone.known[1].tolist() == together.known[1, together.known[0] == i].tolist()


@pytest.mark.parametrize(
    ("rules", "named"), [({"n": 1}, "n must"), ({"exact": 11}, "exact must"), ({"common": 0}, "common must")]
)
def test_rules_out_of_range_are_refused(rules, named):
    with pytest.raises(BadInput, match=re.escape(named)):
        Rules(**rules)


def test_without_items_there_is_nothing_to_look_for():
    with pytest.raises(BadInput, match="no evaluation items"):
        build([], Rules())
    index = build([Item("set", "1", ""), Item("set", "2", "far too short")], Rules())
    assert index.short == (0, 1)
    assert mark(index, ["far too short"]).equal.size == 0
