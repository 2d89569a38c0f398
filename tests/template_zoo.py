"""Chat templates of published models, each with a tokenizer of its family, for tests of the loss mask.

Nothing is copied here and nothing is fetched: templates are read from the packages trl and axolotl (Apache-2.0),
SmolLM 2's is the built-in model's, the rest are our own lines: presets of `agenttuning` or files in tests/templates.
Vocabularies are two: byte-level BPE of the built-in model and SentencePiece's of Mistral 7B, which mistral-common
(Apache-2.0) carries; each family adds its special tokens to one of them.

>>> tokenizer = tokenizer_of(template("qwen-3"))
>>> tokenizer.eos_token
'<|im_end|>'
"""

import importlib.util
import json
from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from agenttuning.chat_template import with_thinking_off

HERE = Path(__file__).parent
FOLDERS = {
    "trl": "chat_templates",
    "axolotl": "utils/chat_templates/templates",
    "agenttuning": "templates",
}


@dataclass(frozen=True, slots=True)
class Template:
    """`package` and `file` say where the template stands. `tokens` are the family's special tokens beside `bos`
    and `eos`, `words` its added tokens that do not count as special. `vocabulary`: byte-level BPE, or SentencePiece
    with a space put before the text after every special token (sentencepiece), before the very first text only
    (sentencepiece-first), or nowhere (gemma). `stops` end a turn at inference beside `eos`, as the models'
    generation_config.json says."""

    name: str
    models: str
    package: Literal["trl", "axolotl", "agenttuning", "built-in", "tests"]
    file: str
    vocabulary: Literal["bytes", "sentencepiece", "sentencepiece-first", "gemma"]
    tokens: tuple[str, ...]
    eos: str
    bos: str | None = None
    words: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()

    @property
    def trained(self) -> str:
        """The name of TRL's template with generation markers, "" where it ships none."""
        if self.package != "trl":
            return ""
        if "{%- generation" in read(self.package, self.file):
            return self.file
        return f"{self.file}_training" if find("trl", f"{self.file}_training").is_file() else ""


def find(package: str, file: str) -> Path:
    """Where a template stands. The packages are not imported: that takes torch and seconds."""
    if package == "tests":
        return HERE / "templates" / f"{file}.jinja"
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{package} is not installed; run: make .venv/installed")
    return Path(spec.submodule_search_locations[0]) / FOLDERS[package] / f"{file}.jinja"


@cache
def read(package: str, file: str) -> str:
    if package == "built-in":
        return _built_in().chat_template
    return find(package, file).read_text(encoding="utf-8")


_CHATML = ("<|im_start|>", "<|im_end|>")
_QWEN = (*_CHATML, "<|endoftext|>")
_QWEN_VL = (*_QWEN, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_THINK = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
_LLAMA_3 = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>")
_GEMMA = ("<start_of_turn>", "<end_of_turn>")
_GEMMA_4 = ("<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>", "<|tool>", "<tool|>", "<|tool_call>",
            "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>', "<|image>", "<|image|>", "<image|>",
            "<|audio>", "<|audio|>", "<audio|>", "<|video|>")  # fmt: skip
_COHERE = ("<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>",
           "<|CHATBOT_TOKEN|>")  # fmt: skip
_COMMAND_A = (*_COHERE, "<|START_THINKING|>", "<|END_THINKING|>", "<|START_ACTION|>", "<|END_ACTION|>",
              "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>")  # fmt: skip
_DEEPSEEK = ("<｜User｜>", "<｜Assistant｜>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>",
             "<｜tool▁call▁end｜>", "<｜tool▁sep｜>", "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>",
             "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>")  # fmt: skip
_GLM = ("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>")
_GLM_WORDS = (*_THINK, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "/nothink")
_LFM = (*_CHATML, "<|tool_list_start|>", "<|tool_list_end|>", "<|tool_call_start|>", "<|tool_call_end|>",
        "<|tool_response_start|>", "<|tool_response_end|>")  # fmt: skip
_PHI_3 = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
_TEKKEN = ("[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]",
           "[/TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]")  # fmt: skip
_HARMONY = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>", "<|return|>")

TEMPLATES: tuple[Template, ...] = (
    # Llama
    Template("llama-2-chat", "Llama 2 chat", "agenttuning", "llama-2-chat", "sentencepiece", (), "</s>", "<s>"),
    Template("agentlm", "AgentLM 7B, 13B, 70B", "agenttuning", "agentlm", "sentencepiece", (), "</s>", "<s>"),
    Template("agent-flan", "Agent-FLAN 7B", "agenttuning", "agent-flan", "sentencepiece-first", (), "\u0d3f", "<s>",
             ("\u0d46",)),
    Template("vicuna", "Vicuna 1.1, 1.3, 1.5", "agenttuning", "vicuna", "sentencepiece", (), "</s>", "<s>"),
    Template("llama-3", "Llama 3", "trl", "llama3", "bytes", _LLAMA_3, "<|eot_id|>", "<|begin_of_text|>",
             stops=("<|eom_id|>",)),
    Template("llama-3.1", "Llama 3.1, 3.3", "trl", "llama3_1", "bytes", _LLAMA_3, "<|eot_id|>", "<|begin_of_text|>",
             stops=("<|eom_id|>",)),
    Template("llama-3.2", "Llama 3.2", "trl", "llama3_2", "bytes", _LLAMA_3, "<|eot_id|>", "<|begin_of_text|>",
             stops=("<|eom_id|>",)),
    Template("llama-3.2-vision", "Llama 3.2 Vision", "axolotl", "llama3_2_vision", "bytes", _LLAMA_3, "<|eot_id|>",
             "<|begin_of_text|>", stops=("<|eom_id|>",)),
    Template("llama-4", "Llama 4", "axolotl", "llama4", "bytes",
             ("<|header_start|>", "<|header_end|>", "<|eot|>", "<|python_start|>", "<|python_end|>"), "<|eot|>",
             "<|begin_of_text|>"),
    Template("tulu-2", "Tulu 2, OLMo", "tests", "tulu-2", "sentencepiece-first", (), "</s>", "<s>"),
    # Mistral
    Template("mistral-v1", "Mistral 7B 0.1, Mixtral", "axolotl", "mistral_v1", "sentencepiece", (), "</s>", "<s>"),
    Template("mistral-v3", "Mistral 7B 0.3", "axolotl", "mistral_v2v3", "sentencepiece-first", _TEKKEN, "</s>", "<s>"),
    Template("mistral-nemo", "Mistral Nemo", "axolotl", "mistral_v3_tekken", "bytes", _TEKKEN, "</s>", "<s>"),
    Template("mistral-small-3", "Mistral Small 3", "axolotl", "mistral_v7_tekken", "bytes", _TEKKEN, "</s>", "<s>"),
    Template("pixtral", "Pixtral", "axolotl", "pixtral", "bytes", _TEKKEN, "</s>", "<s>"),
    Template("zephyr", "Zephyr 7B, StableLM 2", "tests", "zephyr", "sentencepiece", (), "</s>", "<s>"),
    Template("openchat-3.5", "OpenChat 3.5, Starling", "tests", "openchat-3.5", "sentencepiece", ("<|end_of_turn|>",),
             "<|end_of_turn|>", "<s>"),
    # ChatML and Qwen
    Template("chatml", "ChatML, Yi chat", "agenttuning", "chatml", "sentencepiece-first", _CHATML, "<|im_end|>"),
    Template("smollm-2", "SmolLM 2", "built-in", "smollm-2", "bytes", _QWEN, "<|im_end|>",
             "<|im_start|>"),
    Template("smollm-3", "SmolLM 3, thinking off", "tests", "smollm-3", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("qwen-2.5", "Qwen 2.5", "trl", "qwen2_5", "bytes", _QWEN, "<|im_end|>"),
    Template("qwen-2.5-vl", "Qwen 2 VL, 2.5 VL", "trl", "qwen2_5_vl", "bytes", _QWEN_VL, "<|im_end|>"),
    Template("qwen-3", "Qwen 3", "trl", "qwen3", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("qwen-3-2507", "Qwen 3 Instruct 2507", "trl", "qwen3_instruct_2507", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("qwen-3-vl", "Qwen 3 VL", "trl", "qwen3_vl", "bytes", _QWEN_VL, "<|im_end|>",
             words=_THINK),
    Template("qwen-3.5", "Qwen 3.5 4B and larger", "trl", "qwen3_5_think", "bytes", _QWEN_VL, "<|im_end|>",
             words=_THINK),
    Template("qwen-3.5-small", "Qwen 3.5 2B and smaller", "trl", "qwen3_5_nothink", "bytes", _QWEN_VL, "<|im_end|>",
             words=_THINK),
    Template("qwen-3.6", "Qwen 3.6", "trl", "qwen3_6", "bytes", _QWEN_VL, "<|im_end|>",
             words=_THINK),
    Template("qwen-3.8", "Qwen 3.8", "trl", "qwen3_8", "bytes", _QWEN_VL, "<|im_end|>",
             words=_THINK),
    Template("internlm-2", "InternLM 2 chat", "agenttuning", "internlm2", "sentencepiece-first", _CHATML,
             "<|im_end|>", "<s>"),
    Template("falcon-h1", "Falcon H1", "axolotl", "falcon_h1", "bytes", _CHATML, "<|im_end|>", "<|begin_of_text|>"),
    Template("nemotron-h", "Nemotron H", "axolotl", "nemotron_h", "bytes", _CHATML, "<|im_end|>", "<s>"),
    Template("nemotron-3-nano", "Nemotron 3 Nano", "trl", "nemotron_3_nano", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("nemotron-3-super", "Nemotron 3 Super", "trl", "nemotron_3_super", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("nemotron-3-ultra", "Nemotron 3 Ultra", "trl", "nemotron_3_ultra", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("nemotron-3.5", "Nemotron 3.5 Lightning", "trl", "nemotron_3_5_lightning", "bytes", _QWEN, "<|im_end|>",
             words=_THINK),
    Template("lfm-2", "LFM 2", "trl", "lfm2_v2", "bytes", _LFM, "<|im_end|>", "<|startoftext|>"),
    Template("lfm-2.5", "LFM 2.5", "trl", "lfm2_2_5_v2", "bytes", _LFM, "<|im_end|>", "<|startoftext|>"),
    # Gemma and Phi
    Template("gemma", "Gemma, Gemma 2", "trl", "gemma", "gemma", _GEMMA, "<eos>", "<bos>",
             stops=("<end_of_turn>",)),
    Template("gemma-3", "Gemma 3", "trl", "gemma3", "gemma", _GEMMA, "<eos>", "<bos>",
             stops=("<end_of_turn>",)),
    Template("gemma-3n", "Gemma 3n", "axolotl", "gemma3n", "gemma", _GEMMA, "<eos>", "<bos>",
             stops=("<end_of_turn>",)),
    Template("gemma-4", "Gemma 4", "trl", "gemma4_v5", "gemma", _GEMMA_4, "<eos>", "<bos>",
             stops=("<turn|>", "<|tool_response>")),
    Template("diffusion-gemma", "DiffusionGemma", "trl", "diffusion_gemma", "gemma", _GEMMA_4, "<eos>", "<bos>",
             stops=("<turn|>", "<|tool_response>")),
    Template("phi-3", "Phi 3", "trl", "phi3", "sentencepiece-first", _PHI_3, "<|endoftext|>", "<s>",
             stops=("<|end|>",)),
    Template("phi-3.5", "Phi 3.5", "trl", "phi3_5", "sentencepiece-first", _PHI_3, "<|endoftext|>", "<s>",
             stops=("<|end|>",)),
    Template("phi-4", "Phi 4 Reasoning", "axolotl", "phi_4", "bytes", (*_CHATML, "<|im_sep|>"), "<|im_end|>",
             "<|endoftext|>"),
    # DeepSeek, GLM, Cohere
    Template("deepseek-llm", "DeepSeek LLM, V2", "tests", "deepseek-llm", "bytes", (), "<｜end▁of▁sentence｜>",
             "<｜begin▁of▁sentence｜>"),
    Template("deepseek-v2.5", "DeepSeek V2.5", "axolotl", "deepseek_v2", "bytes", _DEEPSEEK, "<｜end▁of▁sentence｜>",
             "<｜begin▁of▁sentence｜>"),
    Template("deepseek-v3", "DeepSeek V3", "axolotl", "deepseek_v3", "bytes", _DEEPSEEK, "<｜end▁of▁sentence｜>",
             "<｜begin▁of▁sentence｜>"),
    Template("deepseek-r1", "DeepSeek R1", "trl", "deepseekv3", "bytes", _DEEPSEEK, "<｜end▁of▁sentence｜>",
             "<｜begin▁of▁sentence｜>"),
    Template("deepseek-r1-distill", "DeepSeek R1 Distill", "trl", "deepseek_r1_distill", "bytes", _DEEPSEEK,
             "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>"),
    Template("glm-4", "GLM 4", "tests", "glm-4", "bytes", _GLM, "<|endoftext|>",
             stops=("<|user|>", "<|observation|>")),
    Template("glm-4.5", "GLM 4.5", "trl", "glm4moe", "bytes", _GLM, "<|endoftext|>",
             words=_GLM_WORDS, stops=("<|user|>", "<|observation|>")),
    Template("command-r", "Command R", "axolotl", "cohere", "bytes", _COHERE, "<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>"),
    Template("aya-expanse", "Aya Expanse", "trl", "cohere", "bytes", _COHERE, "<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>"),
    Template("tiny-aya", "Tiny Aya", "trl", "cohere2", "bytes", _COMMAND_A, "<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>"),
    Template("command-a", "Command A", "axolotl", "command_a", "bytes", _COMMAND_A, "<|END_OF_TURN_TOKEN|>",
             "<BOS_TOKEN>"),
    # Others
    Template("gpt-oss", "gpt-oss", "trl", "gptoss", "bytes", _HARMONY, "<|return|>", "<|startoftext|>",
             stops=("<|call|>",)),
    Template("muse-glimmer", "Muse Glimmer", "trl", "muse_glimmer", "bytes",
             ("<|start|>", "<|message|>", "<|eom|>", "<|eot|>"), "<|eot|>", "<|startoftext|>",
             stops=("<|eom|>",)),
    Template("granite-3", "Granite 3", "tests", "granite-3", "bytes", ("<|start_of_role|>", "<|end_of_role|>"),
             "<|end_of_text|>"),
    Template("olmo-2", "OLMo 2, Tulu 3", "tests", "tulu-2", "bytes", (), "<|endoftext|>", "<|endoftext|>"),
    Template("falcon", "Falcon instruct", "tests", "falcon", "bytes", (), "<|endoftext|>"),
    Template("falcon-3", "Falcon 3", "tests", "falcon-3", "bytes", (), "<|endoftext|>"),
    Template("exaone", "EXAONE 3, 3.5", "axolotl", "exaone", "bytes",
             ("[|system|]", "[|user|]", "[|assistant|]", "[|endofturn|]"), "[|endofturn|]", "[BOS]"),
    Template("exaone-4", "EXAONE 4", "axolotl", "exaone4", "bytes",
             ("[|system|]", "[|user|]", "[|assistant|]", "[|tool|]", "[|endofturn|]"), "[|endofturn|]", "[BOS]",
             _THINK[:2]),
    Template("jamba", "Jamba 1.5, 1.6", "axolotl", "jamba", "sentencepiece-first",
             ("<|bom|>", "<|eom|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"), "<|endoftext|>",
             "<|startoftext|>", stops=("<|eom|>",)),
    Template("minicpm", "MiniCPM", "tests", "minicpm", "sentencepiece-first", ("<用户>", "<AI>"), "</s>", "<s>"),
    Template("alpaca", "Alpaca", "axolotl", "alpaca", "sentencepiece", (), "</s>", "<s>"),
    Template("metharme", "Pygmalion 2", "axolotl", "metharme", "sentencepiece",
             ("<|system|>", "<|user|>", "<|model|>"), "</s>", "<s>"),
    Template("llava", "LLaVA 1.5", "axolotl", "llava", "sentencepiece", (), "</s>", "<s>"),
)  # fmt: skip


def template(name: str) -> Template:
    return next(item for item in TEMPLATES if item.name == name)


def tokenizer_of(item: Template) -> Any:
    """A fast tokenizer with the family's special tokens and its template."""
    tokenizer = copy(_tokenizer(item.vocabulary, item.tokens, item.eos, item.bos, item.words))
    tokenizer.chat_template = read(item.package, item.file)
    with_thinking_off(tokenizer)  # as a checkpoint is loaded
    tokenizer.stop_tokens = item.stops
    return tokenizer


@cache
def _tokenizer(vocabulary: str, tokens: tuple[str, ...], eos: str, bos: str | None, words: tuple[str, ...]) -> Any:
    from tokenizers import AddedToken
    from transformers import GemmaTokenizer, LlamaTokenizer, PreTrainedTokenizerFast

    settings: dict[str, Any] = {
        "bos_token": bos,
        "eos_token": eos,
        "extra_special_tokens": [token for token in tokens if token not in (bos, eos)],
        "clean_up_tokenization_spaces": False,
    }
    if vocabulary == "bytes":
        tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=_byte_pairs(), **settings)
    elif vocabulary == "gemma":
        pieces, merges = _pieces()
        tokenizer = GemmaTokenizer(vocab=dict(pieces), merges=merges, **settings)
    else:
        pieces, merges = _pieces()
        legacy = vocabulary == "sentencepiece"
        tokenizer = LlamaTokenizer(vocab=dict(pieces), merges=merges, legacy=legacy, **settings)
    tokenizer.add_tokens([AddedToken(word, normalized=False, special=False) for word in words])
    return tokenizer


@cache
def _built_in() -> Any:
    from agenttuning.models import BUILT_IN, load_tokenizer, resolve

    return load_tokenizer(resolve(BUILT_IN))


@cache
def _byte_pairs() -> Any:
    """The built-in model's merges, without its special tokens and with the words cut as Llama 3 and Qwen cut them:
    a run of line breaks is one word."""
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    data = json.loads(_built_in().backend_tokenizer.to_str())
    tokenizer = Tokenizer.from_str(json.dumps(data | {"added_tokens": [], "post_processor": None}))
    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    split = pre_tokenizers.Split(Regex(words), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    return tokenizer


@cache
def _pieces() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Mistral 7B's vocabulary and its merges: SentencePiece's BPE joins the pair whose piece has the lowest id."""
    spec = importlib.util.find_spec("mistral_common")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("mistral_common is not installed; run: make .venv/installed")
    file = Path(spec.submodule_search_locations[0]) / "data" / "tokenizer.model.v1"
    pieces = [dict(_fields(value))[1].decode() for key, value in _fields(file.read_bytes()) if key == 1]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for piece in pieces:
        pairs = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        merges += sorted(
            ((left, right) for left, right in pairs if left in vocabulary and right in vocabulary),
            key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]),
        )
    return vocabulary, merges


def _fields(data: bytes) -> Any:
    """(number, value) of each field of a protocol buffers message; SentencePiece's files are one."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
            continue
        size = {1: 8, 5: 4}[kind] if kind != 2 else varint()
        yield number, data[at : at + size]
        at += size
