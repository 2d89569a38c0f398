"""What the loss mask is under each template of the zoo, written by hand from the published formats.

A turn's trained text is `lead` + its content as the template prints it + `tail` + `stop`. `several` names the
conversations of `template_talks` in which the template prints an earlier turn otherwise than its model wrote it, so
that each turn has a row of its own; `refused` gives the reason where there is no mask. "*" stands for all of them.

>>> RESULTS["vicuna"].lead, RESULTS["vicuna"].stop
(' ', '</s>')
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from template_talks import TALKS

from agenttuning.conversation import Conversation

NEXT_HEADER = "the first token of the next message"
PLAIN = tuple(name for name, talk in TALKS.items() if not talk.tools)


@dataclass(frozen=True, slots=True)
class Result:
    """`strip` is the white space of a content that is not printed. `silent_call` is how a call of look(at="box") is
    printed and `call` how one after the text "Look.", each with all that is sampled but the stop token, which is
    `stop_after_call` or `stop`; "" where such a call is refused."""

    stop: str
    lead: str = ""
    tail: str = ""
    several: tuple[str, ...] = ()
    strip: Literal["", "ends", "end", "line breaks before"] = ""
    call: str = ""
    silent_call: str = ""
    stop_after_call: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def kept(self, content: str) -> tuple[int, int]:
        """The part of a content that is printed."""
        start = len(content) - len(content.lstrip()) if self.strip == "ends" else 0
        if self.strip == "line breaks before":
            start = len(content) - len(content.lstrip("\n"))
        end = len(content.rstrip()) if self.strip in ("ends", "end") else len(content)
        return start, max(start, end)

    def reason(self, talk: str) -> str:
        """Why the conversation of that name is refused, "" where it is not."""
        return self.refused.get(talk, self.refused.get("*", ""))

    def has_row_a_turn(self, talk: str) -> bool:
        return talk in self.several or "*" in self.several


NO_TOOLS = {"calls": "prints no tools", "silent-calls": "prints no tools"}
NO_STOP = {"*": "no stop token"} | NO_TOOLS
THOUGHT_IN_PROMPT = {"thoughts": "does not begin with the prompt"}
TEXT_CHANGED = {"thoughts": "the template changes its text"}
NO_CALLS = {"calls": "leaves out the call", "silent-calls": "leaves out the call"}
NO_TEXT = {"calls": "leaves out the text beside tool calls"}
SYSTEM_MOVES = {"system": "does not begin with the prompt"}

HERMES = '<tool_call>\n{"name": "look", "arguments": {"at": "box"}}\n</tool_call>'
QWEN_XML = "<tool_call>\n<function=look>\n<parameter=at>\nbox\n</parameter>\n</function>\n</tool_call>"
LLAMA_JSON = '{"name": "look", "parameters": {"at": "box"}}'
MISTRAL_CALL = '[{"name": "look", "arguments": {"at": "box"}, "id": "call00100"}]'
GEMMA_CALL = '<|tool_call>call:look{at:<|"|>box<|"|>}<tool_call|>'
GLM_CALL = "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>box</arg_value>\n</tool_call>"
JAMBA_CALL = '<tool_calls>[\n    {"name": "look", "arguments": {"at": "box"}}\n]</tool_calls>'
LFM_CALL = "<|tool_call_start|>[look(at='box')]<|tool_call_end|>"
HARMONY_CALL = ' to=functions.look<|channel|>commentary json<|message|>{"at": "box"}'
ATEM_CALL = (
    ' to=look<|message|><atem:function_calls>\n<atem:invoke name="look">\n<atem:parameter name="at">box'
    "</atem:parameter>\n</atem:invoke>\n</atem:function_calls>"
)

_CHATML = Result("<|im_end|>", refused=NO_TOOLS)
_LLAMA_2 = Result("</s>", lead=" ", tail=" ", strip="ends", refused=NO_TOOLS)
_LLAMA_3 = Result("<|eot_id|>", strip="ends", silent_call=LLAMA_JSON, refused=NO_TEXT)
_GEMMA = Result("<end_of_turn>", strip="ends", refused=NO_TOOLS)
_QWEN_3_5 = Result("<|im_end|>", several=PLAIN, strip="ends", call="Look.\n\n" + QWEN_XML, silent_call=QWEN_XML,
                   refused=THOUGHT_IN_PROMPT)  # fmt: skip
_NEMOTRON_3 = Result("<|im_end|>", strip="end", call=f"Look.\n{QWEN_XML}\n", silent_call=f"\n{QWEN_XML}\n",
                     refused=THOUGHT_IN_PROMPT)  # fmt: skip
_DEEPSEEK = Result("<｜end▁of▁sentence｜>", refused=NO_TOOLS)
_DEEPSEEK_R1 = Result("<｜end▁of▁sentence｜>", refused={"*": "does not begin with the prompt .*<think>"} | NO_TOOLS)
_PHI_3 = Result("<|end|>", refused=NO_TOOLS, note="the template sets the end of the text behind the last turn")
_COHERE = Result("<|END_OF_TURN_TOKEN|>", strip="ends", refused=NO_TOOLS)
_ZEPHYR = Result("</s>", refused=NO_TOOLS)

RESULTS: dict[str, Result] = {
    "llama-2-chat": _LLAMA_2,
    "agentlm": _LLAMA_2,
    "agent-flan": Result("\u0d3f", refused=NO_TOOLS),
    "vicuna": Result("</s>", lead=" ", refused=NO_TOOLS),
    "llama-3": Result("<|eot_id|>", strip="ends", refused=NO_TOOLS),
    "llama-3.1": _LLAMA_3,
    "llama-3.2": _LLAMA_3,
    "llama-3.2-vision": Result("<|eot_id|>", silent_call=LLAMA_JSON, refused=NO_TEXT),
    "llama-4": Result("<|eot|>", call=f"<|python_start|>Look.<|python_end|>{LLAMA_JSON}",
                      silent_call=f"<|python_start|><|python_end|>{LLAMA_JSON}"),
    "tulu-2": _ZEPHYR,
    "mistral-v1": Result("</s>", lead=" ", refused=NO_TOOLS),
    "mistral-v3": Result("</s>", lead=" ", strip="ends", silent_call="[TOOL_CALLS] " + MISTRAL_CALL,
                         refused=SYSTEM_MOVES | NO_TEXT),
    "mistral-nemo": Result("</s>", silent_call="[TOOL_CALLS]" + MISTRAL_CALL, refused=SYSTEM_MOVES | NO_TEXT),
    "mistral-small-3": _ZEPHYR,
    "pixtral": Result("</s>", refused=SYSTEM_MOVES | NO_TOOLS),
    "zephyr": _ZEPHYR,
    "openchat-3.5": Result("<|end_of_turn|>", lead=" ", refused=NO_TOOLS),
    "chatml": _CHATML,
    "smollm-2": _CHATML,
    "smollm-3": Result("<|im_end|>", strip="line breaks before", refused=NO_TOOLS),
    "qwen-2.5": Result("<|im_end|>", call="Look.\n" + HERMES, silent_call=HERMES),
    "qwen-2.5-vl": _CHATML,
    "qwen-3": Result("<|im_end|>", several=("*",), strip="line breaks before", call="Look.\n" + HERMES,
                     silent_call=HERMES, refused=THOUGHT_IN_PROMPT),
    "qwen-3-2507": Result("<|im_end|>", call="Look.\n" + HERMES, silent_call=HERMES),
    "qwen-3-vl": Result("<|im_end|>", call="Look.\n" + HERMES, silent_call=HERMES),
    "qwen-3.5": _QWEN_3_5,
    "qwen-3.5-small": _QWEN_3_5,
    "qwen-3.6": _QWEN_3_5,
    "qwen-3.8": Result("<|im_end|>", strip="ends", call="Look.\n\n" + QWEN_XML, silent_call=QWEN_XML),
    "internlm-2": _CHATML,
    "falcon-h1": Result("<|im_end|>", refused=NO_CALLS),
    "nemotron-h": _CHATML,
    "nemotron-3-nano": _NEMOTRON_3,
    "nemotron-3-super": _NEMOTRON_3,
    "nemotron-3-ultra": _NEMOTRON_3,
    "nemotron-3.5": _NEMOTRON_3,
    "lfm-2": Result("<|im_end|>", call="Look." + LFM_CALL, silent_call=LFM_CALL),
    "lfm-2.5": Result("<|im_end|>", call="Look." + LFM_CALL, silent_call=LFM_CALL, several=("thoughts",),
                      note="thoughts of earlier turns are taken out: then a row a turn"),
    "gemma": Result("<end_of_turn>", strip="ends", refused={"system": "System role not supported"} | NO_TOOLS),
    "gemma-3": _GEMMA,
    "gemma-3n": _GEMMA,
    "gemma-4": Result("<turn|>", strip="ends", silent_call=GEMMA_CALL, stop_after_call="<|tool_response>",
                      refused={"calls": "does not begin with the prompt"}),
    "diffusion-gemma": Result("<turn|>", strip="ends",
                              refused={"calls": "does not begin with the prompt", "silent-calls": "header"}),
    "phi-3": _PHI_3,
    "phi-3.5": _PHI_3,
    "phi-4": _CHATML,
    "deepseek-llm": Result("<｜end▁of▁sentence｜>", lead=" ", refused=NO_TOOLS),
    "deepseek-v2.5": _DEEPSEEK,
    "deepseek-v3": Result("<｜end▁of▁sentence｜>", refused=NO_TOOLS | TEXT_CHANGED),
    "deepseek-r1": _DEEPSEEK_R1,
    "deepseek-r1-distill": _DEEPSEEK_R1,
    "glm-4": Result(NEXT_HEADER, lead="\n", refused=NO_TOOLS, note="the model stops by the next message's header"),
    "glm-4.5": Result(NEXT_HEADER, lead="\n", strip="ends", call="\nLook.\n" + GLM_CALL, silent_call="\n" + GLM_CALL,
                      refused=THOUGHT_IN_PROMPT, note="the model stops by the next message's header"),
    "command-r": _COHERE,
    "aya-expanse": _COHERE,
    "tiny-aya": Result("<|END_OF_TURN_TOKEN|>", tail="<|END_RESPONSE|>", refused=NO_TOOLS),
    "command-a": Result("<|END_OF_TURN_TOKEN|>", tail="<|END_RESPONSE|>", refused=NO_CALLS,
                        note="the template sets the next answer's header behind the last turn"),
    "gpt-oss": Result("<|return|>", lead="<|channel|>final<|message|>", several=PLAIN, silent_call=HARMONY_CALL,
                      stop_after_call="<|call|>",
                      refused={"calls": "does not begin with the prompt"},
                      note="earlier turns end with <|end|>, the one that the model writes with <|return|>"),
    "muse-glimmer": Result("<|eot|>", lead=" to=user<|message|>", silent_call=ATEM_CALL, refused=NO_TEXT),
    "granite-3": Result("<|end_of_text|>", refused=NO_TOOLS),
    "olmo-2": Result("<|endoftext|>", refused=NO_TOOLS),
    "falcon": Result("", refused=NO_STOP),
    "falcon-3": Result("<|endoftext|>", refused=NO_TOOLS),
    "exaone": Result("[|endofturn|]", refused=NO_TOOLS),
    "exaone-4": Result("[|endofturn|]",
                       call='Look.\n<tool_call>{"name": "look", "arguments": {"at": "box"}}</tool_call>',
                       silent_call='<tool_call>{"name": "look", "arguments": {"at": "box"}}</tool_call>',
                       refused=TEXT_CHANGED),
    "jamba": Result("<|eom|>", lead=" ", call=" Look." + JAMBA_CALL, silent_call=" " + JAMBA_CALL),
    "minicpm": Result("", refused=NO_STOP),
    "alpaca": Result("</s>", refused=NO_TOOLS),
    "metharme": Result("</s>", several=("*",), strip="ends", refused=NO_TOOLS,
                       note="only the last turn of all has a stop token"),
    "llava": Result("", refused=NO_STOP),
}  # fmt: skip


def pieces(result: Result, talk: Conversation, i: int) -> list[tuple[str, bool]]:
    """What the model samples in turn `i`: pieces of text, each with whether it is trained."""
    message = talk.messages[i]
    if message.calls:
        text = result.call if message.text else result.silent_call
        return [(text + (result.stop_after_call or _stop(result, talk, i)), True)]
    start, end = result.kept(message.text)
    out, place = [], 0
    for segment in message.segments:
        text = message.text[max(place, start) : min(place + len(segment.text), end)]
        out += [(text, segment.train)] if text else []
        place += len(segment.text)
    out[0] = (result.lead + out[0][0], out[0][1])
    return [*out, (result.tail + _stop(result, talk, i), message.train)]


def sampled(result: Result, talk: Conversation, i: int) -> str:
    return "".join(text for text, _ in pieces(result, talk, i))


def _stop(result: Result, talk: Conversation, i: int) -> str:
    if result.stop != NEXT_HEADER:
        return result.stop
    return "<|observation|>" if talk.messages[i].calls else "<|user|>"
