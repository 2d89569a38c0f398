"""MiniWoB++: the real pages in a real browser."""

from contextlib import suppress

import pytest
from browser_processes import NEEDS_BROWSER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agenttuning.environments.miniwob import MiniWoB
from agenttuning.environments.miniwob.environment import NEVER
from agenttuning.environments.miniwob.experts import EXPERTS
from agenttuning.environments.miniwob.pages import AGENT_TUNING, level, pages, protocol
from agenttuning.environments.miniwob.tasks import EPISODES, make_task, read_names
from agenttuning.environments.miniwob.view import LONGEST, Element, View
from agenttuning.errors import BadInput, InvalidAction, NoExpert
from agenttuning.trajectory import ToolCall

pytestmark = NEEDS_BROWSER
# One page for each expert, so that every expert plays without all 46 pages being played.
ONE_EACH = sorted({expert: page for page, expert in reversed(EXPERTS.items())}.values())
BOXES = "click-checkboxes-large"
MOST_CALLS = {"easy": 2, "medium": 5, "hard": 20}  # of the experts


@pytest.fixture(scope="module")
def environment():
    made = MiniWoB()
    yield made
    made.close()


def call(tool, **arguments):
    return ToolCall(tool, arguments)


def play(environment, task):
    """The expert's episode: its last feedback and its calls."""
    environment.reset(task)
    calls, feedback = 0, None
    for decision in environment.expert(task):
        feedback = environment.step(decision.call)
        calls += 1
        if feedback.terminated:
            break
    return feedback, calls


# Tasks


def test_the_first_460_test_tasks_are_the_protocol(environment):
    tasks = environment.tasks("test", limit=460)
    assert len(AGENT_TUNING) == 46
    assert [task.kind for task in tasks[:46]] == list(protocol())
    assert all(sum(task.kind == page for task in tasks) == EPISODES for page in protocol())
    assert environment.tasks("test", limit=50) == tasks[:50]
    assert len({task.id for task in tasks}) == 460


def test_splits_and_seeds_have_numbers_of_their_own(environment):
    numbers = {
        (split, seed): {task.data["seed"] for task in environment.tasks(split, limit=200, seed=seed)}
        for split in ("train", "dev", "test")
        for seed in (0, 1)
    }
    assert sum(map(len, numbers.values())) == len(set().union(*numbers.values()))


def test_a_file_names_the_pages_and_their_order(tmp_path, environment):
    file = tmp_path / "names.txt"
    file.write_text("tic-tac-toe\n\nclick-test\n  miniwob/click-link-v1\n")
    loaded = MiniWoB(file).tasks("train", limit=None, seed=3)
    assert [task.kind for task in loaded[::EPISODES]] == ["tic-tac-toe", "click-test", "click-link"]
    assert {task.split for task in loaded} == {"test"}
    assert loaded[EPISODES] == make_task("click-test", "test", 0)
    assert level("tic-tac-toe") == "hard"
    with pytest.raises(NoExpert):
        MiniWoB(file).expert(loaded[0])


def test_a_name_that_is_no_page_is_told_or_left_out(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("click-test\nclick-tset\n../../etc/passwd\n")
    with pytest.raises(
        BadInput, match=r"names.txt:2: there is no page 'click-tset'; did you mean 'click-test.*--skip-bad"
    ):
        MiniWoB(file).tasks("test")
    loaded = MiniWoB(file, skip_bad=True)
    assert len(loaded.tasks("test")) == EPISODES
    assert [line.split(":")[1] for line in loaded.skipped] == ["2", "3"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | st.sampled_from([b"click-test\n", b""]))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_refused(tmp_path, content):
    file = tmp_path / "names.txt"
    file.write_bytes(content)
    with suppress(BadInput):
        assert {task.kind for task in read_names(file).tasks} <= pages()


# Pages as text


def test_a_page_is_its_texts_and_its_numbered_elements(environment):
    assert environment.reset(make_task("login-user", "test", 3)) == (
        'Goal: Enter the username "keneth" and the password "91YP" into the text fields and press login.\n'
        'Username [1]textbox #username = ""\n'
        'Password [2]password #password = ""\n'
        '[3]button "Login"'
    )
    assert environment.choices() == [call("click", element=3)]


@pytest.mark.parametrize("page", ["terminal", "social-media", "click-shape", "email-inbox"])
def test_a_task_is_the_same_page_again(environment, page):
    task = make_task(page, "train", 5)
    first = environment.reset(task)
    environment.step(call("click", element=1))
    assert environment.reset(task) == first
    assert environment.reset(make_task(page, "train", 6)) != first


def test_what_is_hidden_is_not_shown(environment):
    environment.reset(make_task("click-collapsible-2", "test", 0))
    assert [one.role for one in environment.view.elements] == ["tab"] * 3
    feedback = environment.step(call("click", element=2))
    assert '[2]tab "Section #2" (focused, expanded)' in feedback.observation
    assert any("alink" in one.hint for one in environment.view.elements)


def test_a_view_is_bounded_and_says_what_it_leaves_out():
    lines = tuple((f"line {at}", Element(at, "button", "x" * 50)) for at in range(1, 200))
    shown = str(View(lines))
    assert len(shown) < LONGEST + 60
    shown_lines = shown.splitlines()
    assert shown_lines[-1] == f"… {200 - len(shown_lines)} more lines with {200 - len(shown_lines)} elements"


# Actions


def test_typing_replaces_and_sends_every_key(environment):
    environment.reset(make_task("enter-text", "test", 3))
    assert environment.goal == 'Enter "Myron" into the text field and press Submit.'
    environment.step(call("type", element=1, text='wrong <b>"text"</b>'))
    assert environment.view.find(role="textbox").value == 'wrong <b>"text"</b>'
    environment.step(call("type", element="[1]", text="Myrox"))
    environment.step(call("press", key="Backspace"))
    environment.step(call("press", key="n"))
    assert environment.view.find(role="textbox").value == "Myron"
    feedback = environment.step(call("click", element=2))
    assert (feedback.reward, feedback.solved, feedback.observation) == (1.0, True, "It is done. Reward: 1")
    with pytest.raises(InvalidAction, match="no page open"):
        environment.step(call("click", element=2))


def test_a_button_that_is_half_covered_is_clicked_where_it_shows(environment):
    environment.reset(make_task("click-test-2", "test", 6))  # TWO lies over the middle of ONE
    assert environment.step(call("click", element=1)).solved


def test_a_wrong_click_ends_the_episode_without_reward(environment):
    environment.reset(make_task("click-test-2", "test", 0))
    feedback = environment.step(call("click", element=2))
    assert (feedback.reward, feedback.terminated, feedback.solved) == (0.0, True, False)


def test_more_right_than_wrong_counts_as_success(environment):
    environment.reset(make_task(BOXES, "test", 3))
    wanted = environment.goal.removeprefix("Select ").removesuffix(" and click Submit.").split(", ")
    for name in wanted[:-1]:
        environment.step(call("click", element=environment.view.find(text=name).number))
    feedback = environment.step(call("click", element=environment.view.find(text="Submit").number))
    assert 0 < feedback.reward < 1
    assert feedback.solved


@pytest.mark.parametrize(
    ("page", "wrong", "message"),
    [
        ("click-test", call("click", element=7), "no element '7'; the page shows 1 to 1"),
        ("click-test", call("click", element="the button"), "no element 'the button'"),
        ("click-test", call("select", element=1, option="a"), "is no list"),
        ("click-test", call("press", key="Any"), "no key 'Any'"),
        ("click-test", call("press", key="Hyper+a"), "no key 'Hyper"),
        ("click-test", call("jump"), "no tool 'jump'"),
        ("choose-list", call("click", element=1), "choose from it with select"),
        ("choose-list", call("select", element=1, option="Atlantis"), "no option 'Atlantis'"),
        ("enter-date", call("type", element=1, text="7 May"), "a date is written as YYYY-MM-DD"),
        ("enter-date", call("type", element=1, text="2019-99-99"), "a date is written as YYYY-MM-DD"),
        ("enter-text", call("type", element=1, text="x" * 1001), "longer than 1000"),
        ("enter-text", call("type", element=1), "needs a text"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_happens(environment, page, wrong, message):
    environment.reset(make_task(page, "test", 0))
    before = environment.view
    with pytest.raises(InvalidAction, match=f"(?i){message}"):
        environment.step(wrong)
    assert environment.step(call("hover", element=1)).observation == str(before)


def test_a_list_of_several_gives_back_what_is_chosen_twice(environment):
    environment.reset(make_task("click-scroll-list", "test", 0))
    first, second = environment.view.elements[0].options[:2]
    for option, chosen in ((first, (first,)), (second, (first, second)), (first.upper(), (second,))):
        environment.step(call("select", element=1, option=option))
        assert environment.view.elements[0].chosen == chosen


def test_a_drag_moves_things(environment):
    environment.reset(make_task("drag-items", "test", 0))
    names = [one.text for one in environment.view.elements]
    environment.step(call("drag", element=1, target=3))
    if environment.choices():  # it was not what the page asked for
        assert [one.text for one in environment.view.elements] != names


def test_the_clock_of_the_page_does_not_run_out(environment):
    environment.reset(make_task("click-test", "test", 0))
    assert environment.variable("core.EPISODE_MAX_TIME") == NEVER
    assert environment.variable("WOB_DONE_GLOBAL") is False


def test_a_task_that_names_no_page_is_refused(environment):
    task = make_task("click-test", "test", 0)
    for data in ({"page": "../click-test", "seed": 1}, {"page": "click-test", "seed": "1"}, {}):
        with pytest.raises(BadInput, match="'page' should name a page"):
            environment.reset(type(task)("miniwob", "x", "test", "", data))


# Experts


@pytest.mark.parametrize("page", ONE_EACH)
def test_every_expert_earns_the_full_reward(environment, page):
    feedback, calls = play(environment, make_task(page, "dev", 0))
    assert feedback is not None
    assert feedback.reward == 1.0
    assert calls <= environment.max_turns


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(set(protocol()) - set(ONE_EACH)))
def test_the_other_pages_of_the_protocol_are_solved_too(environment, page):
    feedback, calls = play(environment, make_task(page, "test", 1))
    assert feedback is not None
    assert feedback.reward == 1.0
    assert calls <= MOST_CALLS[level(page)]


@pytest.mark.slow
def test_every_page_of_the_package_can_be_opened(environment):
    for page in sorted(pages() - set(protocol())):
        assert environment.reset(make_task(page, "test", 0)).startswith("Goal: "), page
        assert environment.view.elements, page
