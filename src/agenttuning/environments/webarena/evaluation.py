"""All checks of a task together: each that it names must pass.

>>> passes(task.data["eval"], "Oak Desk", page, intent=task.goal)
True
"""

from collections.abc import Mapping
from typing import Any

from agenttuning.environments.webarena.program_html import HELPER, Page, program_html
from agenttuning.environments.webarena.string_match import UNACHIEVABLE, string_match
from agenttuning.environments.webarena.url_match import url_match


def passes(evaluation: Mapping[str, Any], answer: str, page: Page, *, intent: str) -> bool:
    """`evaluation` is a task's, with addresses in place of placeholders. The page may be elsewhere afterwards.

    Raises EnvironmentFailure where a site or the judge does not answer.
    """
    return all(_check(kind, evaluation, answer, page, intent) for kind in evaluation["eval_types"])


def _check(kind: str, evaluation: Mapping[str, Any], answer: str, page: Page, intent: str) -> bool:
    if kind == "string_match":
        return string_match(evaluation["reference_answers"], answer, intent=intent, note=evaluation["string_note"])
    if kind == "url_match":
        return url_match(evaluation["reference_url"], page.url, evaluation["url_note"])
    return program_html(evaluation["program_html"], page)


def gold_answer(evaluation: Mapping[str, Any]) -> str:
    """An answer that the references of a task describe; "" where none is asked for."""
    parts = []
    for kind, value in evaluation.get("reference_answers", {}).items():
        if kind == "exact_match" or value == UNACHIEVABLE:
            return value
        parts += [one.split(" |OR| ")[0] for one in value]
    return ", ".join(parts)


def rehearsed(evaluation: Mapping[str, Any], intent: str) -> tuple[bool, str]:
    """Whether the references pass their own checks without any site, and a line on what was checked."""
    answer = gold_answer(evaluation)
    kinds = [kind for kind in evaluation["eval_types"] if kind != "program_html"]
    url = evaluation.get("reference_url", "").split(" |OR| ")[0]
    right = all(_check(kind, evaluation, answer, _Nowhere(url), intent) for kind in kinds)
    return right, (
        "the reference answers and addresses pass their own checks; no site was visited"
        if right
        else f"the references do not pass their own checks: answer {answer[:80]!r}, address {url[:80]!r}"
    )


class _Nowhere:
    """The address of a page that is not at hand."""

    def __init__(self, url: str):
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def goto(self, url: str) -> Any:
        raise NotImplementedError(HELPER)

    def content(self) -> str:
        raise NotImplementedError(HELPER)

    def evaluate(self, expression: str) -> Any:
        raise NotImplementedError(HELPER)

    def wait_for_timeout(self, timeout: float) -> None:
        raise NotImplementedError(HELPER)
