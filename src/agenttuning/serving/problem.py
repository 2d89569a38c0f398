"""What a server answers where it cannot do what was asked: a status, and one sentence in the API's own shape.

>>> raise Problem(404, "there is no model 'gpt'; there is: tuned", param="model", code="model_not_found")
"""

from collections.abc import Mapping
from typing import Any

from agenttuning.errors import AgentTuningError

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_TGI_TYPES = {422: "validation", 429: "overloaded", 503: "overloaded"}


class Problem(AgentTuningError):
    """`param` is the field of the request that is wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def openai(self) -> dict[str, Any]:
        """The body as OpenAI's API has it."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def tgi(self) -> dict[str, Any]:
        """The body as Text Generation Inference has it."""
        default = "validation" if self.status < 500 else "generation"
        return {"error": self.message, "error_type": _TGI_TYPES.get(self.status, default)}
