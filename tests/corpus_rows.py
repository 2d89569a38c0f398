"""Small trajectories and general rows for the corpus tests."""

from agenttuning.trajectory import Decision, Step, Task, Tool, ToolCall, Trajectory

TOOLS = (Tool("answer", "Answer.", {"type": "object", "properties": {"value": {"type": "string"}}}, "answer {value}"),)


def episode(number, environment="database", *, outcome="solved", reward=1.0, seed=0, steps=1, train=True):
    step = Step(Decision(f"It is {number}.", ToolCall("answer", {"value": str(number)})), "Right.", train=train)
    task = Task(environment, f"train-{number:04}", "train", f"What is {number}?", {"level": "easy", "kind": "echo"})
    return Trajectory(task, TOOLS, "Answer.", f"What is {number}?", (step,) * steps, reward, outcome, seed=seed)


def chat(number, **extra):
    messages = [
        {"role": "user", "content": f"Question {number}?"},
        {"role": "assistant", "content": f"Answer {number}."},
    ]
    return {"id": f"general-{number:04}", "messages": messages, **extra}
