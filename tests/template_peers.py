"""Where the masks of TRL and of the package renderers differ from ours, template by template, and why.

TRL ships templates whose {% generation %} markers say what is trained; renderers writes the tokens of a family by
hand and says of each whether it is sampled. Both differ from what a model samples after its generation prompt in
the same few ways, which `Difference` spells out: `before` and `after` are trained there around every turn, `last`
after the last one.

>>> TRL["qwen-2.5"].after
'\\n'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Difference:
    """`stop` is what ends the turns before the last one instead of ours. `straddling`: a token that begins in the
    header and ends in the answer is trained. `open_end`: a stop token that no following message prints is not.
    `lost` are tokens of an answer that are not, by conversation. `apart` are the conversations that cannot be
    compared turn by turn, each with the reason."""

    why: str = ""
    before: str = ""
    after: str = ""
    last: str = ""
    stop: str = ""
    straddling: bool = False
    open_end: bool = False
    lost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    apart: Mapping[str, str] = field(default_factory=dict)

    @property
    def none(self) -> bool:
        return self == Difference()


EQUAL = Difference()
_LINE = "trains the line break behind the stop token"
_THOUGHT = "trains the empty thought that our prompt ends with"
_HEADER = "trains the header that our prompt ends with"
_STRADDLING = "trains a token that header and answer share"
_REWRITES = {"thoughts": "trains an earlier answer as history prints it, without its thought"}
_R1 = "an answer after the prompt's `<think>`, without a thought"

_chatml = Difference(f"{_LINE}; {_STRADDLING}", after="\n", straddling=True)
_qwen = Difference(f"{_LINE}; {_THOUGHT}", before="<think>\n\n</think>\n\n", after="\n")
_nemotron = Difference(f"{_LINE}; {_THOUGHT}", before="<think></think>", after="\n")
_phi = Difference(f"{_LINE}; trains the end of the text behind the last turn", after="\n", last="<|endoftext|>",
                  apart={"last-user": "the end of the text is behind a user's turn, and not trained"})  # fmt: skip
_gemma = Difference(_LINE, after="\n")

TRL: dict[str, Difference] = {
    "llama-3": EQUAL,
    "aya-expanse": EQUAL,
    "tiny-aya": EQUAL,
    "qwen-2.5": Difference(f"{_LINE}; trains the one that ends the header", before="\n", after="\n", straddling=True),
    "qwen-2.5-vl": _chatml,
    "qwen-3": _qwen,
    "qwen-3-2507": _chatml,
    "qwen-3-vl": _chatml,
    "qwen-3.5": _qwen,
    "qwen-3.5-small": _qwen,
    "qwen-3.6": _qwen,
    "qwen-3.8": _qwen,
    "nemotron-3-nano": _nemotron,
    "nemotron-3-super": _nemotron,
    "nemotron-3-ultra": _nemotron,
    "nemotron-3.5": _nemotron,
    "lfm-2": _chatml,
    "lfm-2.5": Difference(f"{_LINE}; {_STRADDLING}; trains earlier answers without their thoughts", after="\n",
                          straddling=True, apart=_REWRITES),
    "gemma": _gemma,
    "gemma-3": _gemma,
    "diffusion-gemma": Difference(
        f"{_LINE}; does not train the last bytes of an answer whose last character is several tokens", after="\n",
        lost={"unicode": ("<0x91>", "<0xA1>")}),
    "phi-3": _phi,
    "phi-3.5": _phi,
    "deepseek-r1": Difference(f"trains {_R1} and the header `<｜Assistant｜>`"),
    "deepseek-r1-distill": Difference(f"trains {_R1} and the header `<｜Assistant｜>`"),
    "glm-4.5": Difference(f"{_THOUGHT}; ends the last turn with <|user|> after calls too", before="\n<think></think>",
                          last="<|user|>"),
    "gpt-oss": Difference(f"{_HEADER}; earlier turns end with <|end|>", before="<|start|>assistant", stop="<|end|>"),
    "muse-glimmer": Difference(_HEADER, before="<|start|>assistant"),
}  # fmt: skip

_thought = Difference(_THOUGHT, before="<think>\n\n</think>\n\n")
_empty = Difference(_THOUGHT, before="<think></think>")
OFFLINE = Difference("cannot run without a network: its vocabulary is downloaded")

# By template: the name of the renderer and how it differs.
RENDERERS: dict[str, tuple[str, Difference]] = {
    "llama-3.2": ("llama-3", EQUAL),
    "qwen-3": ("qwen3", _thought),
    "qwen-3-2507": ("qwen3", Difference("prints and trains an empty thought that the template does not know",
                                        before="<think>\n\n</think>\n\n",
                                        apart={"thoughts": "leaves out the thought of an earlier turn",
                                               "padded": "leaves out the line break that an answer begins with"})),
    "qwen-3-vl": ("qwen3-vl", EQUAL),
    "qwen-3.5": ("qwen3.5", _thought),
    "qwen-3.5-small": ("qwen3.5", _thought),
    "qwen-3.6": ("qwen3.6", _thought),
    "qwen-3.8": ("qwen3.8", _thought),
    "nemotron-3-nano": ("nemotron-3", _empty),
    "nemotron-3-super": ("nemotron-3", _empty),
    "nemotron-3-ultra": ("nemotron-3-ultra", _empty),
    "nemotron-3.5": ("nemotron-3.5", _empty),
    "gemma-4": ("gemma4", EQUAL),
    "deepseek-v3": ("deepseek-v3", EQUAL),
    "deepseek-r1": ("deepseek-r1", Difference(f"trains {_R1}")),
    "glm-4.5": ("glm-4.5", Difference(f"{_THOUGHT}; trains no stop token after a conversation's last message",
                                      before="<think></think>", open_end=True)),
    "gpt-oss": ("gpt-oss", OFFLINE),
}  # fmt: skip
