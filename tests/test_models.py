"""A model's tokenizer: its chat template, what ends a turn, and what is told where one is missing."""

import json
import shutil

import pytest

from agenttuning.chat_template import ChatTemplate
from agenttuning.conversation import Conversation, user
from agenttuning.errors import BadInput
from agenttuning.models import BUILT_IN, load_tokenizer, resolve

pytest.importorskip("torch")
QUESTION = Conversation((user("Well?"),))


@pytest.fixture
def folder(tmp_path):
    """The built-in model's tokenizer in a folder of its own."""
    own = tmp_path / "model"
    own.mkdir()
    for file in resolve(BUILT_IN).iterdir():
        if file.suffix in (".json", ".jinja"):
            shutil.copy(file, own)
    return own


def without_template(folder):
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "chat_template"}))


def test_a_tokenizer_without_a_template_is_refused_and_takes_another(folder):
    without_template(folder)
    with pytest.raises(BadInput, match=r"no chat template; pick a chat model, or give one: --chat-template chatml"):
        load_tokenizer(folder)
    assert ChatTemplate(load_tokenizer(folder, "chatml")).text(QUESTION) == "<|im_start|>user\nWell?<|im_end|>\n"


def test_a_damaged_tokenizer_is_one_line(folder):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match="its tokenizer cannot be loaded"):
        load_tokenizer(folder)


def test_what_ends_a_turn_comes_from_the_generation_config(folder):
    (folder / "generation_config.json").write_text('{"eos_token_id": [0, 2]}')
    assert load_tokenizer(folder).stop_tokens == ("<|endoftext|>", "<|im_end|>")


def test_thinking_is_off_unless_it_is_asked_for_and_stays_so_when_saved(folder, tmp_path):
    template = tmp_path / "thinking.jinja"
    template.write_text("{% if enable_thinking is not defined or enable_thinking %}on{% else %}off{% endif %}")
    tokenizer = load_tokenizer(folder, str(template))
    assert ChatTemplate(tokenizer).text(QUESTION) == "off"
    assert (
        tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False, enable_thinking=True) == "on"
    )
    tokenizer.save_pretrained(tmp_path / "saved")
    again = load_tokenizer(tmp_path / "saved")
    assert ChatTemplate(again).text(QUESTION) == "off"
    assert ChatTemplate(again).fingerprint == ChatTemplate(tokenizer).fingerprint


def test_a_template_that_fails_names_the_conversation(folder, tmp_path):
    template = tmp_path / "failing.jinja"
    template.write_text("{{ raise_exception('only assistants here') }}")
    with pytest.raises(BadInput, match="the chat template refuses talk: only assistants here"):
        ChatTemplate(load_tokenizer(folder, str(template))).text(Conversation((user("Hi"),), id="talk"))
