"""The one exception vocabulary.

Two families. A `UserError` is something the person at the keyboard can mend: the command line prints its one
line and exits with status 2, nothing is lost. A `TurnError` is something the *model* did in one turn: its
message becomes the model's next observation, and the episode goes on.

>>> raise BadInput("corpus.jsonl:3: not JSON (line ends after 'thou'); delete or repair that line")
"""


class AgentTuningError(Exception):
    """Everything this package raises on purpose."""


class UserError(AgentTuningError):
    """What the user can mend; its text says what was seen, where, and what to do."""

    exit_code = 2


class BadInput(UserError):
    """A file, record or option that is not what it should be."""


class BadRow(BadInput):
    """A row of a foreign file that cannot be read; `reason` is one word, the same for all rows of which it is true."""

    def __init__(self, message: str, reason: str):
        super().__init__(message)
        self.reason = reason


class RecipeError(UserError):
    """One or more settings of a recipe are wrong; all of them are in the message, one a line."""


class MissingExtra(UserError):
    """An optional dependency is not installed; the message holds the command that installs it.

    A package that no extra brings is installed by its own name.
    """

    def __init__(self, package: str, extra: str | None = None):
        what = f"'agenttuning[{extra}]'" if extra else package
        super().__init__(f"{package} is not installed; run: pip install {what}")
        self.package, self.extra = package, extra

    def __reduce__(self) -> tuple[type, tuple[str, str | None]]:  # it travels from worker processes
        return type(self), (self.package, self.extra)


class MissingProgram(UserError):
    """A program or a right of the system that an environment needs is not there; `command` makes it so."""

    def __init__(self, what: str, command: str):
        super().__init__(f"{what}; run: {command}")
        self.what, self.command = what, command

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.what, self.command)


class EngineError(UserError):
    """The engine or endpoint cannot answer at all (down, wrong key, model not found)."""


class RequestFailed(EngineError):
    """One request was given up while the endpoint answers others; an episode ends with outcome `model_error`."""


class BudgetSpent(UserError):
    """A further request to a model might take more tokens or money than may be used."""


class Diverged(UserError):
    """Training came to a loss or a gradient that is no finite number."""


class RankLost(UserError):
    """Another process of the same training has ended."""


class MaskError(UserError):
    """A conversation whose loss mask cannot be known for certain under this chat template; `reason` is the same for
    all conversations of which it is true."""

    def __init__(self, message: str, reason: str):
        super().__init__(message)
        self.reason = reason


class UnknownShape(AgentTuningError):
    """The sizes of a model cannot be told without loading it; the message says why."""


class NoExpert(AgentTuningError):
    """The environment has no gold decisions for this task."""


class EnvironmentFailure(AgentTuningError):
    """An environment crashed, hung or died; the episode ends with outcome `environment_error`."""


class WorkerLost(AgentTuningError):
    """The worker of an episode is gone through no fault of that episode, which is played again on another one."""


class ContextFull(AgentTuningError):
    """The conversation and the reply's budget no longer fit the model's context: outcome `token_limit`."""


class TurnError(AgentTuningError):
    """A turn the model got wrong; `str(error)` is what the model reads next."""


class FormatError(TurnError):
    """The reply cannot be read as a decision in the dialect that was asked for."""


class InvalidAction(TurnError):
    """The call names no tool, misses an argument, or is not possible in the environment's state."""
