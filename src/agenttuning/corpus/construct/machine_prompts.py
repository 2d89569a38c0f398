"""What a teacher reads when it is to write a problem on a Linux machine, or to solve one."""

import json
import random
from collections.abc import Sequence
from typing import Any

from agenttuning.conversation import Conversation, system, user
from agenttuning.corpus.construct.checks import ABOUT, KINDS

_RULES = """\
You write problems for an agent that works on a Linux machine with bash. Everything you write is executed on a fresh \
Linux machine as root, without network and without a keyboard, so it has to be exact.

Reply with one JSON object and nothing else:
{"problem": "...", "explanation": "...", "init": "...", "solution": "...", "check": {"kind": "..."}}

- problem: what the agent is asked, in one or two sentences. It has to say everything that is needed: paths, names, \
what counts, in which form to answer. It has one right answer.
- explanation: how it is solved, in one or two sentences.
- init: a bash script that prepares the machine: it makes every file, folder and user that the problem is about, and \
others beside them so that guessing does not help. It ends with status 0.
- solution: bash that solves the problem. Where there is an answer, it prints the answer and nothing else; where the \
machine is to be changed, it changes it. It gives the same each time.
- check: how an answer is judged. This time: {kind}

Nothing may depend on chance, on the time of day or on what else runs."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "exact_match": {
        "problem": "Which user owns the largest file in /srv/prints? Answer with the user's name.",
        "explanation": "List the files with size and owner, sort by size, take the last.",
        "init": "useradd -M olive\nuseradd -M simon\nmkdir -p /srv/prints\nhead -c 300 /dev/zero > /srv/prints/a.ps\n"
        "head -c 900 /dev/zero > /srv/prints/b.ps\nchown olive /srv/prints/a.ps\nchown simon /srv/prints/b.ps",
        "solution": "find /srv/prints -type f -printf '%s %u\\n' | sort -n | tail -n 1 | cut -d ' ' -f 2",
        "check": {"kind": "exact_match", "answer": "simon"},
    },
    "bash_script": {
        "problem": "Move every file of /srv/inbox that is empty into /srv/empty, which does not exist yet.",
        "explanation": "Make the folder and move the files of size 0.",
        "init": "mkdir -p /srv/inbox\ntouch /srv/inbox/one /srv/inbox/two\necho text > /srv/inbox/three",
        "solution": "mkdir -p /srv/empty && find /srv/inbox -type f -empty -exec mv {} /srv/empty/ ';'",
        "check": {
            "kind": "bash_script",
            "script": "[ -f /srv/empty/one ] && [ -f /srv/empty/two ] && [ -s /srv/inbox/three ] && "
            '[ "$(ls /srv/inbox | wc -l)" = 1 ]',
        },
    },
    "integer_match": {
        "problem": "How many different words does /srv/notes.txt have, capitals and small letters taken as the same? "
        "Words are separated by white space. Answer with the number.",
        "explanation": "One word a line, in small letters, each once, counted.",
        "init": "printf 'Apple pear\\napple PLUM pear fig\\n' > /srv/notes.txt",
        "solution": "tr -s '[:space:]' '\\n' < /srv/notes.txt | tr A-Z a-z | sort -u | wc -l",
        "check": {"kind": "integer_match"},
    },
    "size_match": {
        "problem": "How large are all files below /srv/app that end in .log together, in bytes?",
        "explanation": "Add the sizes that find prints.",
        "init": "mkdir -p /srv/app/old\nhead -c 1500 /dev/zero > /srv/app/a.log\nhead -c 700 /dev/zero > "
        "/srv/app/old/b.log\nhead -c 50 /dev/zero > /srv/app/c.txt",
        "solution": "find /srv/app -name '*.log' -printf '%s\\n' | awk '{s += $1} END {print s}'",
        "check": {"kind": "size_match"},
    },
    "string_match": {
        "problem": "What is the name of the newest file in /srv/backups, without its folder?",
        "explanation": "Sort the files by the time of their last change.",
        "init": "mkdir -p /srv/backups\ntouch -d 2021-03-01 /srv/backups/red\ntouch -d 2023-07-09 "
        "/srv/backups/green\ntouch -d 2022-01-05 /srv/backups/blue",
        "solution": "ls -t /srv/backups | head -n 1",
        "check": {"kind": "string_match"},
    },
}
"""One of each kind, as a prompt shows them."""


def writing(topic: str, known: Sequence[str], dice: random.Random) -> Conversation:
    """The kind of check is drawn too: left to themselves teachers write counts, 930 of train_0317's 1,000 problems."""
    kind = dice.choice(KINDS)
    listed = "\n".join(f"- {' '.join(text.split())}" for text in known)
    asked = f"An example of the form:\n{json.dumps(EXAMPLES[kind])}\n\n"
    if listed:
        asked += f"Problems that are there already:\n{listed}\n\n"
    asked += f"Write a new problem about {topic}, unlike all of these."
    return Conversation((system(_RULES.replace("{kind}", ABOUT[kind])), user(asked)))


_SOLVING = """\
You are root on a Linux machine without network, in bash. Reply with one bash script in a block of code (```bash) and \
nothing else. Where the problem asks for an answer, the script prints the answer in the form that is asked for and \
nothing else; where it asks for a change, the script makes it and prints nothing. It cannot read from the keyboard."""


def solving(problem: str) -> Conversation:
    return Conversation((system(_SOLVING), user(problem)))
