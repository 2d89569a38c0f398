"""Write docs/commands.md from the command line itself: every command with the text of its --help and its example.

python scripts/command_reference.py          write the file
python scripts/command_reference.py --check  end with status 1 where it is out of date
"""

import re
import sys
from pathlib import Path

from written_page import written

from agenttuning.cli import COMMANDS, application

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
HEAD = """\
<!-- Written by scripts/command_reference.py from --help; `make docs` writes it again. -->
# Commands

Every command, with what `agenttuning COMMAND --help` says of it. What you can mend ends as one line that begins with
`error:` and says how, with status 2; a check that failed ends with status 1, and 130 says that you stopped it. Settings
of a stage are also keys of [the recipe](recipe.md).
"""
SECTION = re.compile(r"^## agenttuning (.+)$", re.MULTILINE)


def page() -> str:
    """The whole file."""
    sections = _sections()
    parts = [HEAD]
    for title, commands in COMMANDS.items():
        parts.append(f"## {title}\n")
        for name, _, _, example in commands:
            parts.append(f"### agenttuning {name}\n\n{sections[name]}\n")
            parts.append(
                f"<!-- not run: an example of --help, its files are the reader's -->\n```bash\n{example}\n```\n"
            )
    return "\n".join(parts)


def _sections() -> dict[str, str]:
    """What cyclopts writes of each command, by its name: usage, text, arguments and parameters."""
    text = application().generate_docs(output_format="markdown", heading_level=1, max_heading_level=2)
    _, *pieces = SECTION.split(text)
    out = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        body = re.sub(r"\n {2,}(?=\S)", " ", body)  # a docstring's next line is no list of its own
        out[name] = body.replace("```console", "```text").strip()
    return out


if __name__ == "__main__":
    sys.exit(written(PAGE, page()))
