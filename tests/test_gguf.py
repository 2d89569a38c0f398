"""A model as GGUF: transformers reads the same logits and tokens back, and a Modelfile prints the template."""

import json
import re
from pathlib import Path

import pytest
import tiny
from tokenizers import Tokenizer, decoders, models, normalizers

from agenttuning.chat_template import ChatTemplate
from agenttuning.cli import main
from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.engines.gguf import export_gguf
from agenttuning.engines.gguf_tokenizer import split_name
from agenttuning.engines.modelfile import modelfile
from agenttuning.errors import BadInput
from agenttuning.models import BUILT_IN, load_model, load_tokenizer, read_template, resolve

pytest.importorskip("gguf")
TALK = (system("Be brief."), user("One?"), assistant(Segment("Two.")), user("Three?"))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("gguf") / "model")


def test_the_command_writes_what_transformers_reads(model, tmp_path, capsys):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with pytest.raises(SystemExit) as ended:
        main(["export", str(model), "--format", "gguf", "--out", str(tmp_path / "m.gguf"), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(tmp_path / "m.gguf")
    ids = torch.tensor([[5, 900, 31, 2, 77]])
    with torch.inference_mode():
        own = load_model(model).eval()(ids).logits
        read = (
            AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32).eval()(ids).logits
        )
    assert (own - read).abs().max() < 1e-3
    text = "Grüße: 12345 words, 你好 😀<|im_end|>\n"
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file="m.gguf")
    assert tokenizer(text)["input_ids"] == load_tokenizer(model)(text)["input_ids"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("MODEL", "--out", "model.bin"), "ends in .gguf"),
        (("MODEL", "MODEL", "--out", "m.gguf"), "takes one model"),
        (("no-such-model", "--out", "m.gguf"), "unknown model"),
    ],
)
def test_what_cannot_be_exported_is_said(model, tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["export", "--format", "gguf", *(str(model) if word == "MODEL" else word for word in arguments)])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_sentencepiece_tokenizer_is_written_as_one(model, tmp_path):
    """Llama 2's kind, in small: bytes, a space that is a letter, merges in the order of the ids."""
    from gguf import GGUFReader
    from transformers import PreTrainedTokenizerFast

    letters = ["▁", "a", "b", "▁a", "ab", "▁ab"]
    vocabulary = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(vocabulary)},
            merges=[("▁", "a"), ("a", "b"), ("▁a", "b")], byte_fallback=True, unk_token="<unk>", fuse_unk=True,
        )
    )  # fmt: skip
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    whole = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    whole.chat_template = read_template("llama-2-chat")
    folder = tmp_path / "spm"
    net = load_model(model)
    net.resize_token_embeddings(len(vocabulary))
    net.save_pretrained(folder)
    whole.save_pretrained(folder)
    file = export_gguf(folder, tmp_path / "spm.gguf")
    fields = GGUFReader(file).fields
    assert fields["tokenizer.ggml.model"].contents() == "llama"
    assert fields["tokenizer.ggml.tokens"].contents() == vocabulary
    kinds = fields["tokenizer.ggml.token_type"].contents()
    assert (kinds[0], kinds[1], kinds[3], kinds[-1]) == (2, 3, 6, 1)  # unknown, control, byte, normal
    scores = fields["tokenizer.ggml.scores"].contents()
    assert scores[259:] == sorted(scores[259:], reverse=True)
    assert "tokenizer.ggml.pre" not in fields


def test_a_tokenizer_without_a_name_in_llama_cpp_is_refused():
    built_in = json.loads(load_tokenizer(resolve(BUILT_IN)).backend_tokenizer.to_str())
    assert split_name(built_in) == "smollm"
    for pre, name in (
        ([{"type": "Digits"}, {"type": "ByteLevel"}], "smollm"),
        ([{"type": "Split", "pattern": {"Regex": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?"}}, {"type": "ByteLevel"}],
         "llama-bpe"),
        ([{"type": "Split", "pattern": {"Regex": r"\p{L}+|\p{N}| ?[^\s]+"}}, {"type": "ByteLevel"}], "qwen2"),
    ):  # fmt: skip
        assert split_name(built_in | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": pre}}) == name
    with pytest.raises(BadInput, match="Whitespace has no name"):
        split_name(built_in | {"pre_tokenizer": {"type": "Whitespace"}})
    with pytest.raises(BadInput, match="Unigram"):
        split_name({"model": {"type": "Unigram"}})


def printed(template: str, talk: Conversation) -> str:
    """What Go prints of the template, for the few words of it that are used."""
    loop, _, prompt = template.removeprefix("{{ range .Messages }}").rpartition("{{ end }}{{ end }}")
    cases = dict(re.findall(r'if eq \.Role "(\w+)" }}(.*?)(?={{ else|\Z)', loop, re.DOTALL))
    return "".join(cases[m.role].replace("{{ .Content }}", m.text) for m in talk.messages) + prompt


@pytest.mark.parametrize("name", ["chatml", "vicuna", "agent-flan", None])
def test_a_modelfile_prints_what_the_template_prints(model, name):
    tokenizer = load_tokenizer(model, name)
    text = modelfile("m.gguf", tokenizer)
    assert text.startswith("FROM ./m.gguf\n")
    found = re.search(r'TEMPLATE """(.*?)"""', text, re.DOTALL)
    if found is None:
        assert name == "vicuna"
        return
    expected = ChatTemplate(tokenizer).text(Conversation(TALK), generation_prompt=True)
    assert printed(found[1], Conversation(TALK)) == expected
    assert 'PARAMETER stop "' in text


def test_a_template_that_is_no_text_around_messages_is_left_to_ollama(model):
    text = modelfile("m.gguf", load_tokenizer(model, "llama-2-chat"))  # the system prompt stands in the user's turn
    assert "TEMPLATE" not in text
