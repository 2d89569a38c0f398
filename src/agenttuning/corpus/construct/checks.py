"""The five kinds of check that a problem on a machine has, as AgentBench's files hold them.

`exact_match` compares the answer with a text, `bash_script` runs a script whose status decides. For the other three
the reference solution is run when the episode ends and what it prints is compared with the answer: as whole numbers,
as sizes (10K is 10240), or as texts. Those are the kinds that AgentTuning's Self-Instruct had; its training file
train_0317 of AgentBench's os_interaction is in the same form.

>>> evaluation("integer_match", solution="ls /srv | wc -l", answer="", script="")["example"]
{'code': 'ls /srv | wc -l'}
"""

from typing import Any, Literal, get_args

Kind = Literal["exact_match", "bash_script", "integer_match", "size_match", "string_match"]
KINDS: tuple[str, ...] = get_args(Kind)

ABOUT = {
    "exact_match": 'the answer must be this text: {"kind": "exact_match", "answer": "..."}',
    "bash_script": "a bash script ends with status 0 if and only if the problem is solved; use it where the machine is "
    'to be changed: {"kind": "bash_script", "script": "..."}',
    "integer_match": 'the answer must be the whole number that the solution prints: {"kind": "integer_match"}',
    "size_match": "the answer must be the size that the solution prints, in bytes or with a unit such as 10K: "
    '{"kind": "size_match"}',
    "string_match": 'the answer must be the text that the solution prints: {"kind": "string_match"}',
}

# Each gets the answer and what the reference solution printed.
_INTEGER = """\
import sys
given, wanted = (int(text.strip()) for text in sys.argv[1:3])
sys.exit(given != wanted)
"""
_SIZE = """\
import re, sys
def size(text):
    found = re.fullmatch(r"\\s*(\\d+(?:\\.\\d+)?)\\s*([KMGTP]?)(?:i?B|bytes?)?\\s*", text, re.IGNORECASE)
    return round(float(found[1]) * 1024 ** " KMGTP".index(found[2].upper() or " "))
sys.exit(size(sys.argv[1]) != size(sys.argv[2]))
"""
_STRING = """\
import sys
given, wanted = ("\\n".join(text.strip().splitlines()) for text in sys.argv[1:3])
sys.exit(given != wanted)
"""
COMPARISONS = {"integer_match": _INTEGER, "size_match": _SIZE, "string_match": _STRING}


def evaluation(kind: str, *, solution: str, answer: str, script: str) -> dict[str, Any]:
    """The `evaluation` of a record; `answer` is for exact_match, `script` for bash_script."""
    if kind == "exact_match":
        judged: dict[str, Any] = {"match": answer}
    elif kind == "bash_script":
        judged = {"check": [{"language": "bash", "code": script}]}
    else:
        judged = {"check": [None, {"language": "python", "code": COMPARISONS[kind]}]}  # None stands for the example
    return judged | {"example": {"code": solution}}
