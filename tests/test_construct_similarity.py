"""ROUGE-L against the definition, and the pool that refuses what it nearly has."""

import random

from hypothesis import given
from hypothesis import strategies as st

from agenttuning.corpus.construct.similarity import Pool, rouge_l, words

SOME_WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12)


def by_the_table(one: list[str], other: list[str]) -> float:
    """The F-measure of recall and precision of the longest common subsequence (Lin 2004, with beta 1)."""
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            longer = lengths[i][j] + 1 if left == right else max(lengths[i][j + 1], lengths[i + 1][j])
            lengths[i + 1][j + 1] = longer
    common = lengths[-1][-1]
    if not common:
        return 0.0
    recall, precision = common / len(one), common / len(other)
    return 2 * recall * precision / (recall + precision)


@given(SOME_WORDS, SOME_WORDS)
def test_rouge_l_is_the_published_measure(one, other):
    assert abs(rouge_l(one, other) - by_the_table(one, other)) < 1e-12


@given(st.lists(SOME_WORDS, max_size=6), SOME_WORDS)
def test_the_pool_finds_the_nearest(pool, text):
    found, _ = Pool(map(" ".join, pool)).nearest(" ".join(text))
    assert abs(found - max([rouge_l(text, other) for other in pool], default=0.0)) < 1e-12


def test_words_are_words_in_any_script():
    assert words("List ALL files_in /srv!") == ("list", "all", "files", "in", "srv")
    assert words("文件有多少") == tuple("文件有多少")


def test_what_is_nearly_there_is_refused():
    pool = Pool(["How many files are in the folder /srv?"])
    assert pool.refuses("How many files are in the folder /opt?") == "How many files are in the folder /srv?"
    assert pool.refuses("Which user owns the newest log?") is None
    assert Pool(["one two three four five six seven"], 1.0).refuses("one two three four five six seven") is None


def test_drawing_mixes_new_instructions_with_seeds():
    pool = Pool([f"seed {n}" for n in range(20)])
    assert len(pool.draw(random.Random(0), 6)) == 6
    pool.add("a new one")
    drawn = [pool.draw(random.Random(n), 6) for n in range(20)]
    assert all("a new one" in some and len(set(some)) == 6 for some in drawn)
    assert pool.draw(random.Random(3), 6) == drawn[3]
    assert pool.draw(random.Random(0), 0) == []
    assert len(Pool(["only one"]).draw(random.Random(0), 6)) == 1
