"""The WebArena environment: built-in tasks on real sites in a real browser."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from agenttuning.dialects import DIALECTS, get
from agenttuning.environments import browser
from agenttuning.environments.base import LEVELS
from agenttuning.environments.webarena import WebArena
from agenttuning.environments.webarena.contents import contents
from agenttuning.environments.webarena.generate import TEMPLATES, generate
from agenttuning.environments.webarena.official import task as official_task
from agenttuning.environments.webarena.script import SCROLLS
from agenttuning.environments.webarena.sites.arena import Arena
from agenttuning.environments.webarena.thoughts import thought
from agenttuning.environments.webarena.tools import TOOLS
from agenttuning.errors import EnvironmentFailure, InvalidAction, NoExpert
from agenttuning.rollout.validate import validate
from agenttuning.trajectory import SPLITS, Decision, Step, ToolCall, Trajectory

for name in ("playwright", "oscar", "roundup", "wiki", "whoosh"):
    pytest.importorskip(name, reason=f"{name} is not installed (the extra arena)")


needs_browser = pytest.mark.skipif(browser.find_chromium() is None, reason="chromium is not installed")
TASKS = {split: WebArena().tasks(split, limit=2 * len(TEMPLATES), seed=1) for split in SPLITS}


def one(template, split="train"):
    return next(task for task in TASKS[split] if task.data["template"] == template)


@pytest.fixture(scope="module")
def world():
    environment = WebArena()
    yield environment
    environment.close()


def act(world, name, **arguments):
    return world.step(ToolCall(name, arguments)).observation


def find(seen, text):
    """The number of the first line with a text."""
    line = next(line for line in seen.splitlines() if text in line)
    return int(line.strip()[1:].partition("]")[0])


# Tasks


def test_there_are_sixty_tasks_and_more_of_every_kind():
    assert len(TEMPLATES) >= 55
    for split in SPLITS:
        assert len({task.goal for task in TASKS[split]}) >= 75
        counts = Counter(task.kind for task in TASKS[split])
        assert set(counts) == {"shop", "shop_admin", "tracker", "wiki", "wiki+tracker"}
        assert {task.level for task in TASKS[split]} == set(LEVELS)
        assert Counter(task.data["require_reset"] for task in TASKS[split])[True] > 30


def test_tasks_come_from_the_seed_and_are_records_of_the_official_schema():
    again = WebArena().tasks("dev", limit=20, seed=1)
    assert list(again) == list(TASKS["dev"][:20])
    assert [task.goal for task in WebArena().tasks("dev", limit=20, seed=2)] != [task.goal for task in again]
    for task in (task for split in SPLITS for task in TASKS[split]):
        assert json.loads(json.dumps(task.data)) == task.data
        read = official_task({**task.data, "intent": task.goal})
        assert (read.goal, read.data["eval"]) == (task.goal, task.data["eval"])


def test_tasks_and_contents_do_not_depend_on_the_process():
    code = (
        "import hashlib, json; from agenttuning.environments.webarena.generate import generate;"
        "from agenttuning.environments.webarena.contents import contents;"
        "said = repr([generate('train', 3, i) for i in range(60)]) + json.dumps(contents('test'));"
        "print(hashlib.sha256(said.encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_splits_share_no_name():
    names, goals = [], []
    for split in SPLITS:
        shop, tracker, wiki = (contents(split)[site] for site in ("shop", "tracker", "wiki"))
        names.append(
            {product["title"] for product in shop["products"]}
            | {customer["email"] for customer in shop["customers"]}
            | {issue["title"] for issue in tracker["issues"]}
            | {user["login"] for user in tracker["users"]}
            | {article["title"] for article in wiki["articles"]}
            | set(shop["categories"])
            | set(shop["absent"])
        )
        goals.append({task.goal for task in TASKS[split]})
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not names[i] & names[j]
        # What names nothing, such as "Open issue 5.", may be asked on any split's sites.
        assert not [goal for goal in goals[i] & goals[j] for name in names[i] if name in goal]
    assert not {task.id for task in TASKS["train"]} & {task.id for task in TASKS["test"]}


def test_thoughts_are_short_and_name_what_they_are_for():
    for task in TASKS["train"]:
        for step in task.data["script"]:
            said = thought(step["do"], step, Random(1))
            assert 8 < len(said) < 330, said
            assert "{" not in said


CALLS = [
    ToolCall("click", {"id": 12}),
    ToolCall("type", {"id": 5, "content": "Oak [Desk] {x}", "press_enter": 0}),
    ToolCall("press", {"keys": "Control+a"}),
    ToolCall("scroll", {"direction": "down"}),
    ToolCall("tab_focus", {"tab_index": 1}),
    ToolCall("new_tab", {}),
    ToolCall("goto", {"url": "http://shop.local/a?b=[1]"}),
    ToolCall("stop", {"answer": "£12.00"}),
    ToolCall("stop", {}),
]


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_every_call_can_be_written_in_every_dialect(name):
    steps = tuple(Step(Decision("Think.", call), "ok") for call in CALLS)
    written = get(name).write(Trajectory(TASKS["train"][0], TOOLS, "i", "o", steps))
    assert len(written.messages) >= 2 * len(CALLS)


def test_commands_read_as_upstream_writes_them():
    command = get("command")
    for call in CALLS:
        decision = Decision("Think.", call)
        assert command.read(command.text(decision, TOOLS), TOOLS) == decision
    said = {
        "click [7]": ToolCall("click", {"id": 7}),
        "type [7] [oak desk]": ToolCall("type", {"id": 7, "content": "oak desk"}),
        "type [7] [oak desk] [1]": ToolCall("type", {"id": 7, "content": "oak desk", "press_enter": 1}),
        "stop": ToolCall("stop", {}),
        "stop []": ToolCall("stop", {}),
        "stop [N/A]": ToolCall("stop", {"answer": "N/A"}),
        "go_back": ToolCall("go_back", {}),
    }
    for line, call in said.items():
        assert command.read(f"Thought: x\nAction: {line}", TOOLS).call == call


# The browser and the sites


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    "template",
    ["cheapest or dearest", "quantity", "change a status", "triage", "retitle", "year into a note", "no such product"],
)
def test_the_expert_solves_a_task(world, template):
    task = one(template, "test")
    world.reset(task)
    feedback = None
    for decision in world.expert(task):
        assert decision.thought
        feedback = world.step(decision.call)
    assert feedback.terminated
    assert feedback.solved
    assert feedback.reward == 1.0


@pytest.mark.browser
@needs_browser
def test_doing_nothing_solves_no_task_that_changes_something(world):
    for template in ("basket", "new keyword"):
        world.reset(one(template))
        feedback = world.step(ToolCall("stop", {"answer": "done"}))
        assert (feedback.terminated, feedback.solved, feedback.reward) == (True, False, 0.0)


@pytest.mark.browser
@needs_browser
def test_an_episode_of_actions(world):
    product = contents("train")["shop"]["products"][0]
    seen = world.reset(one("price"))
    assert seen.startswith(f"Objective: {one('price').goal}\nTab 0 (current): ")
    assert "URL: http://shop.local/catalogue/\n" in seen
    assert "127.0.0.1" not in seen
    search = find(seen, "textbox 'Search'")
    seen = act(world, "type", id=search, content="Oak\nDesk 'x' \"y\" <b>", press_enter=0)
    assert "URL: http://shop.local/catalogue/\n" in seen
    assert find(seen, "textbox 'Search'") == search  # the same element, the same number
    seen = act(world, "type", id=search, content=product["title"])
    assert "URL: http://shop.local/search/?q=" in seen
    seen = act(world, "click", id=find(seen, f"link '{product['title']}'"))
    assert f"£{product['price']}" in seen
    assert product["upc"] not in seen
    below = act(world, "scroll", direction="down")
    assert product["upc"] in below
    assert act(world, "scroll", direction="up").count("\n") == seen.count("\n")
    seen = act(world, "go_back")
    assert "/search/" in seen
    assert "/search/" not in act(world, "go_forward")
    seen = act(world, "new_tab")
    assert "Tab 1 (current): " in seen
    assert "URL: http://shop.local/basket/" in act(world, "goto", url="http://shop.local/basket/")
    assert "Tab 0 (current)" in act(world, "tab_focus", tab_index=0)
    act(world, "tab_focus", tab_index=1)
    assert "Tab 1" not in act(world, "close_tab")
    act(world, "press", keys="End")
    seen = act(world, "goto", url="shop.local/catalogue/?sort_by=price-desc")
    assert "value: 'Price high to low'" in seen
    order = find(seen, "combobox 'Sort by'")
    seen = act(world, "type", id=order, content="title a to z")
    assert "sort_by=title-asc" in seen
    act(world, "hover", id=find(seen, "link 'Account'"))
    refused = [
        ("click", {"id": 99999}, "no element [99999]"),
        ("type", {"id": find(seen, "link 'Account'"), "content": "x"}, "nothing can be typed"),
        ("type", {"id": find(seen, "combobox 'Sort by'"), "content": "x"}, "no option 'x'"),
        ("goto", {"url": "http://example.org/"}, "none of the sites"),
        ("goto", {"url": "file:///etc/passwd"}, "none of the sites"),
        ("goto", {"url": "javascript:alert(1)"}, "none of the sites"),
        ("tab_focus", {"tab_index": 7}, "no tab 7"),
        ("close_tab", {}, "the only tab"),
        ("press", {"keys": "NoSuchKey"}, "not possible"),
        ("scroll", {"direction": "left"}, "up or down"),
        ("fly", {}, "no tool called 'fly'"),
        ("click", {}, "also needs: id"),
    ]
    for name, arguments, said in refused:
        with pytest.raises(InvalidAction) as caught:
            world.step(ToolCall(name, arguments))
        assert said in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)


@pytest.mark.browser
@needs_browser
def test_episodes_do_not_see_each_other(world):
    """Two seats of one process: their sites are apart, and neither browser reaches the other's."""
    other = WebArena()
    try:
        task = one("basket")
        world.reset(task)
        other.reset(task)
        for decision in world.expert(task):
            feedback = world.step(decision.call)
        assert feedback.solved
        assert not other.step(ToolCall("stop", {"answer": ""})).solved
        other.reset(task)
        address = world._sites["shop"].address
        page = other._window.page
        assert (
            page.evaluate(f"fetch('{address}/', {{mode: 'no-cors'}}).then(() => 'reached', () => 'refused')")
            == "refused"
        )
        seen = other.reset(task)
        assert "£0.00" in seen  # a fresh copy
    finally:
        other.close()


@pytest.mark.browser
@needs_browser
def test_tasks_without_a_script_have_no_expert(world):
    task = one("price")
    bare = replace(task, data={key: value for key, value in task.data.items() if key != "script"})
    world.reset(bare)
    with pytest.raises(NoExpert, match="without gold actions"):
        world.expert(bare)
    lost = replace(task, data={**task.data, "script": [{"do": "click", "role": "link", "name": "Nowhere"}]})
    decisions = world.expert(lost)
    for _ in range(SCROLLS):
        assert next(decisions).call == ToolCall("scroll", {"direction": "down"})
    with pytest.raises(NoExpert, match="no link 'Nowhere'"):
        next(decisions)


def wait_for_the_end_of(site):
    with suppress(EnvironmentFailure):
        while site.check() is None:  # its last thread ends a moment later
            time.sleep(0.05)


@pytest.mark.browser
@needs_browser
def test_a_site_that_dies_ends_the_episode_and_comes_back(world):
    task = one("go to issue")
    world.reset(task)
    world._sites["tracker"]._process._process.kill()
    wait_for_the_end_of(world._sites["tracker"])
    with pytest.raises((InvalidAction, EnvironmentFailure)):
        world.step(ToolCall("goto", {"url": "http://tracker.local/issue1"}))
    assert "URL: http://tracker.local/" in world.reset(task)


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("call", [ToolCall("scroll", {"direction": "down"}), ToolCall("stop", {"answer": "5"})])
def test_a_server_that_dies_is_not_the_agents_failure(world, call):
    world.reset(one("go to issue"))
    site = world._sites["tracker"]
    os.kill(site._server, signal.SIGKILL)
    wait_for_the_end_of(site)
    with pytest.raises(EnvironmentFailure, match="died"):
        world.step(call)


def processes(mark):
    """The ids of processes whose command line or environment holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in text:
                found.append(int(entry.name))
    return found


CHILD = """
import sys, time
from agenttuning.environments.webarena.sites.arena import arena
site = arena().site("tracker", "train")
print(site.address, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_killed_worker_leaves_no_server_and_no_file(tmp_path):
    mark = f"WEBARENA_MARK_{os.getpid()}_{time.time_ns()}"
    environment = {**os.environ, "MARK": mark, "TMPDIR": str(tmp_path)}
    child = subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        address = child.stdout.readline().strip()
        assert urllib.request.urlopen(address, timeout=20).status == 200
        assert len(processes(mark)) >= 3  # the worker, the site, its server
        assert list(tmp_path.iterdir())
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    deadline = time.monotonic() + 15
    while (processes(mark) or list(tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes(mark) == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


def test_a_server_dies_with_its_site_and_listens_on_this_machine_only():
    arena = Arena()
    try:
        site = arena.site("wiki", "dev")
        port = int(site.address.rpartition(":")[2])
        listening = Path("/proc/net/tcp").read_text(encoding="ascii")
        assert f"0100007F:{port:04X} 00000000:0000 0A" in listening
        assert f"00000000:{port:04X} " not in listening
        arena._processes["wiki"]._process.kill()
        wait_for_the_end_of(site)
        site.close()  # nothing is left to end, and that is no error
        assert arena.site("wiki", "dev").address != site.address
    finally:
        arena.close()


@pytest.mark.browser
@needs_browser
@pytest.mark.slow
def test_the_expert_solves_a_task_of_half_of_the_templates():
    result = validate("webarena", splits=("train",), limit=len(TEMPLATES) // 2, seed=5, workers=2)
    assert (result.tasks, result.failures) == (len(TEMPLATES) // 2, ())
    assert generate("train", 5, 0).goal
