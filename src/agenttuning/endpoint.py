"""An OpenAI-compatible endpoint by its address: ``URL#MODEL``, e.g. ``http://localhost:8000/v1#agentlm-7b``.

The key comes from the environment variable OPENAI_API_KEY (or the one that AGENTTUNING_KEY_VARIABLE names) and is
never stored; an endpoint on this machine needs none.

>>> ask("http://localhost:8000/v1#agentlm-7b", "What is the capital of Ghana? Answer with its name.")
'Accra'
"""

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agenttuning.errors import EngineError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

JUDGE = "AGENTTUNING_JUDGE"  # the variable that names the judge of answers, where an environment asks one
NO_KEY = "none"  # what the client is given where no key is needed
LONGEST_REPLY = 200  # tokens of one `ask`


def connect(address: str, *, retries: int, timeout: float) -> tuple["OpenAI", str]:
    """A client for the endpoint, and the model's name ("" where the address has none); nothing is sent yet.

    `timeout` is in seconds for one request. Raises EngineError where a key is needed and not set.
    """
    import openai

    url, _, model = address.partition("#")
    return openai.OpenAI(base_url=url, api_key=_key(url), max_retries=retries, timeout=timeout), model


def connect_async(url: str, *, timeout: float, on_response: Callable[[Any], Any]) -> "AsyncOpenAI":
    """A client for an event loop, which sends a request once; `on_response` sees each reply before its body is read.

    Replies come uncompressed. Raises EngineError where a key is needed and not set.
    """
    import openai

    return openai.AsyncOpenAI(
        base_url=url,
        api_key=_key(url),
        max_retries=0,
        timeout=timeout,
        default_headers={"Accept-Encoding": "identity"},
        http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [on_response]}),
    )


def _key(url: str) -> str:
    variable = os.environ.get("AGENTTUNING_KEY_VARIABLE", "OPENAI_API_KEY")
    key = os.environ.get(variable)
    if not key and not is_local(url):
        raise EngineError(f"{shown(url)} needs a key; set the environment variable {variable}")
    return key or NO_KEY


def shown(url: str) -> str:
    """A URL as it may be printed and stored: without a user and password."""
    return re.sub(r"(://)[^/\s@]+@", r"\1", url)


def is_local(url: str) -> bool:
    return any(f"//{host}" in url for host in ("localhost", "127.", "[::1]", "0.0.0.0"))


def ask(address: str, prompt: str, *, timeout: float = 20.0, retries: int = 1) -> str:
    """The reply to one prompt at temperature 0, of at most LONGEST_REPLY tokens.

    Raises EngineError where the endpoint does not answer; with its retries that takes at most twice the time-out
    and a few seconds.
    """
    import openai

    client, model = connect(address, retries=retries, timeout=timeout)
    if not model:
        raise EngineError(f"{address} names no model; write it as URL#MODEL")
    try:
        with client:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": prompt}],
                max_tokens=LONGEST_REPLY,
                temperature=0.0,
            )
    except openai.OpenAIError as error:
        raise EngineError(f"{client.base_url} did not answer: {error}") from None
    return (answer.choices[0].message.content or "").strip() if answer.choices else ""
