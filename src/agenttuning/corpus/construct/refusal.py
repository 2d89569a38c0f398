"""Why a candidate was not taken: one word, the same for all of which it is true, counted with an example each.

>>> refusals = Refusals()
>>> refusals.add(Refused("no_json", "Sure! Here is a problem"))
>>> refusals.counts
{'no_json': 1}
"""

from collections.abc import Mapping

from agenttuning.errors import AgentTuningError

LONGEST = 200  # characters of an example

REASONS: Mapping[str, str] = {
    "no_reply": "the model gave no reply, or its endpoint refused the question",
    "cut": "the reply ended at its limit of tokens",
    "no_json": "the reply holds no JSON object",
    "too_long": "a text or list of the reply is longer than is read",
    "fields": "a field is missing or not what it should be",
    "instruction": "the instruction is too short or too long to be one",
    "duplicate": "the instruction is nearly one that is there",
    "setup_failed": "the set-up ended with an error",
    "reference_failed": "the reference solution ended with an error or said nothing",
    "reference_refused": "the reference solution does not pass its own check",
    "accepts_nonsense": "the check passes an answer that means nothing, or no work at all",
    "text_columns": "the statement means something else where every column is text, as in the benchmark",
    "empty_result": "the statement returns nothing",
    "result_too_large": "the statement returns more than can be answered",
    "changes_nothing": "the statement leaves the tables as they were",
    "solver_unreadable": "the second solver gave no command or statement",
    "solver_disagrees": "the second solver came to another result",
    "bad_record": "the set's record is not in its layout",
    "not_a_query": "the reference is no single SELECT",
    "no_database": "the set has no such database, or it lies outside its folder",
    "bad_database": "the database cannot be read",
    "database_slow": "reading the database took longer than it may",
    "too_wide": "the question needs more tables or columns than a task may have",
    "reference_differs": "the environment gives another result for the reference SQL",
    "thoughts": "the reply holds no usable thoughts",
    "hindsight": "a thought knows the result before it came",
    "environment_error": "the sandbox or the database broke",
}


class Refused(AgentTuningError):
    """`reason` is a key of REASONS; the text says what was seen."""

    def __init__(self, reason: str, text: str = ""):
        super().__init__(text)
        assert reason in REASONS, reason
        self.reason = reason


class Refusals:
    """Counts by reason, with the first example of each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.examples: dict[str, str] = {}

    def add(self, refused: Refused) -> None:
        self._counts[refused.reason] = self._counts.get(refused.reason, 0) + 1
        self.examples.setdefault(refused.reason, shortened(str(refused)))

    @property
    def counts(self) -> dict[str, int]:
        """The most frequent first."""
        return dict(sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def __len__(self) -> int:
        return sum(self._counts.values())


def shortened(text: str) -> str:
    """One printable line: what a model wrote must not reach a terminal as it is."""
    line = " ".join(text[: 4 * LONGEST].split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in line)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
