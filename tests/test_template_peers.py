"""Our masks beside TRL's and those of the package renderers: equal, or different exactly as template_peers says."""

from copy import copy
from itertools import groupby
from typing import Any

import pytest
from template_peers import OFFLINE, RENDERERS, TRL, Difference
from template_results import RESULTS, sampled
from template_talks import TALKS, trained_turns
from template_zoo import TEMPLATES, read, template, tokenizer_of

from agenttuning.chat_template import with_thinking_off
from agenttuning.conversation import Conversation, to_openai
from agenttuning.training.encode import encode

torch = pytest.importorskip("torch")
pytest.importorskip("renderers")

# They train every assistant turn whole.
WHOLE = ("system", "plain", "padded", "unicode", "headers", "last-user", "thoughts", "calls", "silent-calls")
NAMES = [(name, talk) for name in TRL for talk in WHOLE if not (RESULTS[name].reason(talk) or talk in TRL[name].apart)]


def theirs(name: str, talk: Conversation, difference: Difference) -> list[str]:
    """What they train of each turn."""
    turns = trained_turns(talk)
    out = []
    for i in turns:
        text = sampled(RESULTS[name], talk, i)
        if difference.stop and i < len(talk.messages) - 1 and text.endswith(RESULTS[name].stop):
            text = text.removesuffix(RESULTS[name].stop) + difference.stop
        if difference.open_end and i == len(talk.messages) - 1:
            text = text.removesuffix("<|observation|>" if talk.messages[i].calls else "<|user|>")
        last = difference.last if i == turns[-1] and not text.endswith(difference.last) else ""
        out.append(difference.before + text + difference.after + last)
    return out


def renderer_of(name: str) -> Any:
    from renderers import config_from_name, create_renderer

    config = type(config_from_name(RENDERERS[name][0]))
    settings = {"enable_thinking": False} if "enable_thinking" in config.model_fields else {}
    return create_renderer(tokenizer_of(template(name)), config(**settings))


def tools_of(talk: Conversation) -> list[dict[str, Any]] | None:
    return [tool.schema() for tool in talk.tools] or None


def refused(name: str) -> bool:
    return bool(RESULTS[name].reason("plain"))


def test_all_of_trls_marked_templates_are_here():
    assert {item.name for item in TEMPLATES if item.trained} == set(TRL)


@pytest.mark.parametrize(("name", "talk"), NAMES)
def test_mask_of_trl(name: str, talk: str):
    difference, conversation = TRL[name], TALKS[talk]
    tokenizer = copy(tokenizer_of(template(name)))
    tokenizer.chat_template = read("trl", template(name).trained)
    with_thinking_off(tokenizer)
    rows, tools = to_openai(conversation), tools_of(conversation)
    text = tokenizer.apply_chat_template(rows, tools=tools, tokenize=False)
    marked = tokenizer.apply_chat_template(rows, tools=tools, return_dict=True, return_assistant_tokens_mask=True)
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert marked["input_ids"] == tokens["input_ids"]
    wanted, place = [False] * len(text), 0
    for piece in theirs(name, conversation, difference):
        place = text.index(piece, place)
        wanted[place : place + len(piece)] = [True] * len(piece)
        place += len(piece)
    if difference.straddling:
        mask = [any(wanted[start:end]) for start, end in tokens["offset_mapping"]]
    else:
        mask = [wanted[start] for start, _ in tokens["offset_mapping"]]
    other = [token for token, a, b in zip(tokens.tokens(), mask, marked["assistant_masks"], strict=True) if a != b]
    assert tuple(other) == difference.lost.get(talk, ())
    if difference.none:
        [ours] = encode(conversation, tokenizer_of(template(name)))
        size = len(ours.ids)
        assert [weight > 0 for weight in ours.weights] == [bool(m) for m in marked["assistant_masks"][:size]]


@pytest.mark.parametrize("name", [name for name in RENDERERS if not refused(name) and RENDERERS[name][1] != OFFLINE])
def test_mask_of_renderers(name: str):
    difference = RENDERERS[name][1]
    tokenizer, renderer = tokenizer_of(template(name)), renderer_of(name)
    for talk in WHOLE:
        conversation = TALKS[talk]
        if RESULTS[name].reason(talk) or talk in difference.apart:
            continue
        out = renderer.render(to_openai(conversation), tools=tools_of(conversation))
        tokens = zip(out.sampled_mask, out.token_ids, strict=True)
        runs = [[token for _, token in run] for is_sampled, run in groupby(tokens, lambda pair: pair[0]) if is_sampled]
        texts = [tokenizer.decode(run) for run in runs]
        assert texts == theirs(name, conversation, difference), talk
        if difference.none:
            [ours] = encode(conversation, tokenizer)
            size = len(ours.ids)
            if list(ours.ids) == out.token_ids[:size]:  # they cut the text at other places, and print another date
                assert [weight > 0 for weight in ours.weights] == out.sampled_mask[:size], talk


@pytest.mark.parametrize("name", ["deepseek-r1", "deepseek-r1-distill"])
def test_what_is_refused_here_is_trained_there(name: str):
    """DeepSeek R1's prompt opens a thought that its finished turns do not have."""
    assert refused(name)
    tokenizer, stop = copy(tokenizer_of(template(name))), template(name).eos
    if name in RENDERERS:
        out = renderer_of(name).render(to_openai(TALKS["plain"]))
        trained = [token for token, is_sampled in zip(out.token_ids, out.sampled_mask, strict=True) if is_sampled]
        assert tokenizer.decode(trained) == f"Lima.{stop}Santiago.{stop}"
    tokenizer.chat_template = read("trl", template(name).trained)
    marked = tokenizer.apply_chat_template(
        to_openai(TALKS["plain"]), return_dict=True, return_assistant_tokens_mask=True
    )
    trained = [token for token, m in zip(marked["input_ids"], marked["assistant_masks"], strict=True) if m]
    assert tokenizer.decode(trained) == f"<｜Assistant｜>Lima.{stop}<｜Assistant｜>Santiago.{stop}"
