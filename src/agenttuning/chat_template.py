"""A conversation through a model's own chat template, the same way for collecting, training and serving.

>>> prompt_ids(conversation, tokenizer)[-3:]   # ends with the generation prompt
[1, 520, 9531]
"""

from typing import Any

from agenttuning.conversation import Conversation, to_openai
from agenttuning.errors import BadInput


def render(conversation: Conversation, tokenizer: Any, *, generation_prompt: bool) -> str:
    """The text the model sees. Raises BadInput where the template refuses the conversation."""
    tools = [tool.schema() for tool in conversation.tools] or None
    if tools and not shows_tools(tokenizer):
        raise BadInput(
            "this model's chat template prints no tools, so the native dialect would hide them; "
            "use the dialect react, command or json"
        )
    try:
        return tokenizer.apply_chat_template(
            to_openai(conversation), tools=tools, tokenize=False, add_generation_prompt=generation_prompt
        )
    except Exception as error:  # a template raises whatever its author chose
        raise BadInput(f"the chat template refuses {conversation.id or 'a conversation'}: {error}") from None


def prompt_ids(conversation: Conversation, tokenizer: Any) -> list[int]:
    """Token ids of the conversation with the generation prompt at its end."""
    text = render(conversation, tokenizer, generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def shows_tools(tokenizer: Any) -> bool:
    """Whether the template prints the tools it is given."""
    template = tokenizer.chat_template
    return "tools" in (template if isinstance(template, str) else str(template))
