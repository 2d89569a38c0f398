"""lm-eval against the server: its local-completions gives the log-likelihoods that its hf backend gives."""

from pathlib import Path

import pytest
import tiny
from served import serving

from agenttuning.models import BUILT_IN, resolve
from agenttuning.serving.config import ServeConfig

CONTINUATIONS = (
    ("The capital of France is", " Paris"),
    ("The capital of France is", " London"),
    ("Question: What do bees make?\nAnswer:", " honey, and they keep it in a hive"),
    ("Grüße aus", " Köln 😀"),
    ("2 + 2 =", " 4"),
    ("", "A text without a context."),
)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["tiny", "built-in"])
@pytest.mark.parametrize("tokenized", [True, False])
def test_log_likelihoods_are_those_of_the_hf_backend(tmp_path: Path, which, tokenized, monkeypatch):
    pytest.importorskip("lm_eval")
    from lm_eval.api.instance import Instance
    from lm_eval.api.registry import get_model

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tiny.write_model(tmp_path / "tiny") if which == "tiny" else resolve(BUILT_IN)
    requests = [
        Instance("loglikelihood", {}, pair, place, ("test", place, 1)) for place, pair in enumerate(CONTINUATIONS)
    ]
    reference = get_model("hf")(pretrained=str(folder), dtype="float32", device="cpu", batch_size=1)
    expected = reference.loglikelihood(requests)
    with serving(folder, ServeConfig(name="served")) as server:
        client = get_model("local-completions")(
            base_url=f"{server.url}/v1/completions", model="served", tokenizer=str(folder),
            tokenizer_backend="huggingface", tokenized_requests=tokenized, batch_size=3, max_retries=1,
            max_length=512,
        )  # fmt: skip
        found = client.loglikelihood(requests)
    for (score, is_greedy), (other, other_greedy) in zip(expected, found, strict=True):
        assert other == pytest.approx(score, abs=1e-3)
        assert other_greedy == is_greedy
