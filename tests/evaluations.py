"""Small evaluations as files, which the tests of comparing and of gates share."""

from pathlib import Path
from typing import Any

from agenttuning.evaluation.scores import normalised, score_environment, summarize
from agenttuning.files import write_json
from agenttuning.trajectory import Decision, Step, Task, Trajectory


def evaluation(
    model: str,
    solved: dict[str, set[int]],
    *,
    seed: int = 0,
    tasks: int = 20,
    questions: int | None = None,
    wording: str = "Do it.",
    own_ids: bool = False,
    broken: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """`solved` numbers the tasks that the model solves in each environment; an initial * marks it held-out.

    With `own_ids` the ids of the tasks hold the seed, as those of built-in tasks do.
    """
    scores: dict[str, Any] = {"model": model, "dialect": "command", "seed": seed, "chat_template": "abc"}
    scores["environments"] = {}
    for name, numbers in solved.items():
        episodes = []
        for i in range(tasks):
            task = Task(name.lstrip("*"), f"test-{seed if own_ids else 0}-{i:03}", "test", f"{wording} {i}", {})
            outcome = "model_error" if i >= tasks - broken else "solved" if i in numbers else "failed"
            steps = (Step(Decision("Look.", message="Done.")),)
            episodes.append(Trajectory(task, (), "Act.", "Go.", steps, float(outcome == "solved"), outcome))
        held = "out" if name.startswith("*") else "in"
        scores["environments"][name.lstrip("*")] = score_environment(episodes, metric="success_rate", held=held)
    scores["normalised"] = normalised(scores)
    if questions is not None:
        items = {"questions": {f"q{i}": float(i < questions) for i in range(40)}}
        items["nll"] = {f"p{i}": 0.5 + i / 100 for i in range(10)}
        probe = {"questions": summarize(list(items["questions"].values()))}
        probe["perplexity"] = {"n": 10, "mean": 1.7, "low": 1.6, "high": 1.8}
        scores["general"] = probe | {"items": items}
    return scores | more


def written(folder: Path, scores: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "scores.json", scores)
    return folder
