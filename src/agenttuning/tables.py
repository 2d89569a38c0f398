"""Tables for a terminal or a pipe: aligned columns, no frames, nothing cut; and as Markdown and LaTeX.

>>> print(aligned([["", "tasks"], ["database", "100"]]))
          tasks
database    100
"""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text; one whose cells under the first row are all numbers is right-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    numeric = [all(_is_number(row[i]) for row in rows[1:]) for i in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The same as a Markdown table, its first row the head; columns after the first are right-aligned."""
    head, *body = ([cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body))


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}


def latex(rows: Sequence[Sequence[str]]) -> str:
    """The same as a tabular in the style of booktabs."""
    head, *body = (
        ["".join(_LATEX.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in cell) for cell in row] for row in rows
    )
    lines = [" & ".join(row) + r" \\" for row in body]
    columns = "l" + "r" * (len(head) - 1)
    top = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", " & ".join(head) + r" \\", r"\midrule"]
    return "\n".join([*top, *lines, r"\bottomrule", r"\end{tabular}"])


def _is_number(text: str) -> bool:
    return text.rstrip("%").replace(".", "", 1).replace("-", "", 1).isdigit()
