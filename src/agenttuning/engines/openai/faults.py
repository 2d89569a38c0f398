"""What can go wrong with a request, named once: may it be sent again, does it end the episode, or the run?

`diagnose` turns whatever the client raised into a Fault, which may be tried again, or into one of the package's own
errors, which is final: ContextFull for the episode, RequestFailed or EngineError where asking again cannot help.
docs/endpoints.md has the table.

>>> diagnose(error, timeout=120.0)
Fault('busy', 'answered 429: slow down', after=2.0)
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from agenttuning.engines.openai.wire import Unreadable
from agenttuning.errors import AgentTuningError, ContextFull, EngineError, RequestFailed

Kind = Literal["busy", "unreachable", "timeout", "broken"]
BUSY = frozenset({429, 503})
AGAIN = frozenset({408, 409, 425})  # and every 5xx
FINAL = {
    401: "refused the key; check the environment variable that holds it",
    402: "wants to be paid first",
    403: "refused the key for this model; check the key and what it may use",
    404: "does not know the model or the address",
    405: "does not take chat completions at this address; a base URL usually ends with /v1",
}


class Fault(Exception):
    """A failure after which the same request may succeed.

    `after` is how many seconds the endpoint asked to wait, None where it did not say.
    """

    def __init__(self, kind: Kind, reason: str, after: float | None = None):
        super().__init__(reason)
        self.kind, self.after = kind, after


def diagnose(error: Exception, *, timeout: float, secret: str = "") -> Fault | AgentTuningError:
    """What an exception of the openai client, of the clock or of the reader of replies means.

    The text becomes part of trajectories and error messages, so `secret`, the key, is taken out of it: an endpoint may
    repeat what it was sent.
    """
    found = _diagnose(error, timeout)
    if secret and secret in str(found):
        found.args = (str(found).replace(secret, "(key)"),)
    return found


def _diagnose(error: Exception, timeout: float) -> Fault | AgentTuningError:
    import openai

    if isinstance(error, TimeoutError | openai.APITimeoutError):
        if type(error.__cause__).__name__ == "ConnectTimeout":
            return Fault("unreachable", "cannot connect in time")
        return Fault("timeout", f"no whole reply within {timeout:g} s")
    if isinstance(error, Unreadable):
        return Fault("broken", str(error))
    if isinstance(error, openai.APIStatusError):
        return _of_status(error.status_code, _told(error), error.response.headers)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        reason = " ".join(str(cause or error).split())[:200] or type(cause).__name__
        if type(cause).__name__ == "ConnectError":
            return Fault("unreachable", f"cannot connect ({reason})")
        return Fault("broken", f"the connection broke ({reason})")
    return Fault("broken", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def _of_status(status: int, told: str, headers: Mapping[str, str]) -> Fault | AgentTuningError:
    if status == 429 and "insufficient_quota" in told:
        return EngineError(f"has no quota left for this key: {told}")
    if status in BUSY:
        return Fault("busy", f"answered {status}: {told}", retry_after(headers))
    if status >= 500 or status in AGAIN:
        return Fault("broken", f"answered {status}: {told}", retry_after(headers))
    if status == 413 or (status in (400, 422) and _is_context(told)):
        return ContextFull(f"the endpoint answered {status}: {told}")
    if status in FINAL:
        return EngineError(f"{FINAL[status]} ({status}: {told})")
    return RequestFailed(f"refused the request ({status}: {told})")


def _is_context(told: str) -> bool:
    """Whether a refusal is for the conversation's length: the words of vLLM, SGLang, llama.cpp and OpenAI."""
    text = told.lower()
    return "context" in text or "too long" in text or "maximum length" in text


def _told(error: Any) -> str:
    """The endpoint's own words in one line."""
    body = error.body
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(inner, Mapping):
        inner = " ".join(str(inner[key]) for key in ("code", "message") if inner.get(key))
    return " ".join(str(inner or "").split())[:300] or "no reason given"


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds to wait by retry-after-ms or Retry-After (RFC 9110 §10.2.3: seconds, or a date); None without them."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        try:
            seconds = float(text) / scale
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        at = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return max(at - (time.time() if now is None else now), 0.0)
