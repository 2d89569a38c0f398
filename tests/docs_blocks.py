"""The code blocks of README.md and docs/, and what the comment before one says of it.

    <!-- not run: needs an endpoint -->      it is not run, for a reason of REASONS; its command lines are still parsed
    <!-- run by tests/test_serving_docs.py -->   that test runs it
    <!-- file: guess.py -->                  it is the content of a file that later blocks of the page use
    <!-- ends with status 1 -->              so do its commands, on purpose

A block of bash, Python or YAML without a comment is run, in a folder that a page's blocks share.
"""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = ("bash", "python", "yaml", "toml")
# What may keep a block from being run. The words after it say more, where there is more to say.
REASONS = (
    "needs a GPU",
    "needs several GPUs",
    "needs several nodes",
    "needs an endpoint",
    "needs a model of a hub",
    "needs files of a benchmark",
    "needs the reader's files",
    "needs an extra",
    "needs a person",
    "needs a server",
    "needs a browser",
    "needs a sandbox",
    "run by",
    "uploads",
    "installs packages",
    "takes minutes",
    "a part of a program",
    "a part of a recipe",
    "a part of a workflow",
    "an example of --help",
)
_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n\n?)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINE = re.compile(r"(?:[A-Z_]+=\S+ )*(?:torchrun .*-m )?agenttuning ")


@dataclass(frozen=True, slots=True)
class Block:
    """`where` is ``page:line``; `note` is the comment's text, empty where there is none."""

    page: str
    where: str
    language: str
    text: str
    note: str

    @property
    def reason(self) -> str | None:
        """Why it is not run here."""
        if self.test:
            return "run by"
        return self.note.removeprefix("not run: ") if self.note.startswith("not run: ") else None

    @property
    def test(self) -> str | None:
        return self.note.removeprefix("run by ") if self.note.startswith("run by ") else None

    @property
    def file(self) -> str | None:
        return self.note.removeprefix("file: ") if self.note.startswith("file: ") else None

    @property
    def status(self) -> int:
        return int(self.note[-1]) if self.note.startswith("ends with status ") else 0

    @property
    def lines(self) -> list[str]:
        """Its command lines, those that go on joined, without comments and the texts of files that it writes."""
        text = re.sub(
            r"<<'(\w+)'([^\n]*)\n.*?^\1$", r"\2", self.text.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL
        )
        out, open_ = [], ""
        for line in text.splitlines():
            open_ += line.strip()
            try:
                shlex.split(open_)
            except ValueError:  # a quotation goes on in the next line
                open_ += "\n"
                continue
            if open_ and not open_.startswith("#"):
                out.append(open_)
            open_ = ""
        return out

    @property
    def commands(self) -> list[str]:
        """Those lines that call agenttuning."""
        return [line for line in self.lines if _LINE.match(line)]


@cache
def blocks() -> tuple[Block, ...]:
    out = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(ROOT).as_posix()
        for match in _BLOCK.finditer(text):
            if match["language"] in LANGUAGES:
                line = text.count("\n", 0, match.start("language")) + 1
                note = (match["note"] or "").strip()
                out.append(Block(name, f"{name}:{line}", match["language"], match["text"], note))
    return tuple(out)
