"""WebShop's official files, made here by the published schema: goals, splits, bad records, the oracle."""

import json
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rapidfuzz", reason="needs pip install 'agenttuning[webshop]'")
pytest.importorskip("bm25s", reason="needs pip install 'agenttuning[webshop]'")

from agenttuning.environments.webshop import WebShop
from agenttuning.environments.webshop.generate import records
from agenttuning.environments.webshop.official import find_files, load
from agenttuning.errors import BadInput, NoExpert
from agenttuning.rollout.validate import validate
from agenttuning.trajectory import SPLITS, ToolCall

GOALS = 1600
ITEMS, DETAILS, REVIEWS = records()


def human(count: int, *, options: int = 2) -> dict[str, list[dict]]:
    """Goals for the first products, as crowd workers' are stored; every tenth product has one without attributes."""
    dice = random.Random(1)
    out = {}
    for number, item in enumerate(ITEMS[:count]):
        asin, named = item["asin"], DETAILS[item["asin"]]["attributes"][:2]
        groups = list(item["customization_options"].values())[:options]
        chosen = [dice.choice(group)["value"] for group in groups]
        goal = {
            "asin": asin,
            "instruction": f"i am looking for {item['query']} that are {' and '.join(named)}, {', '.join(chosen)}.",
            "attributes": DETAILS[asin]["attributes"],
            "options": [f"{name}: {value}" for name, value in zip(item["customization_options"], chosen, strict=False)],
            "instruction_attributes": named,
            "instruction_options": chosen,
            "assignment_id": "a1",
            "worker_id": "w1",
        }
        empty = {**goal, "instruction_attributes": []}
        out[asin] = [empty, goal] if number % 10 == 0 else [goal]
    return out


def write(folder: Path, *, items=None, details=None, goals=None, small=False) -> Path:
    folder.mkdir(exist_ok=True)
    ending = "_1000" if small else ""
    (folder / f"items_shuffle{ending}.json").write_text(json.dumps(ITEMS[:50] if items is None else items))
    (folder / f"items_ins_v2{ending}.json").write_text(json.dumps(DETAILS if details is None else details))
    if goals is not False:
        (folder / "items_human_ins.json").write_text(json.dumps(human(50) if goals is None else goals))
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    folder = write(tmp_path_factory.mktemp("webshop"), items=ITEMS[:2000], goals=human(GOALS))
    (folder / "reviews.json").write_text(json.dumps(REVIEWS[:100]))
    return folder


# Goals and splits


def test_goals_stand_in_upstreams_order_and_splits(shop):
    environment = WebShop(shop)
    tasks = {split: environment.tasks(split) for split in SPLITS}
    assert [len(tasks[split]) for split in ("test", "dev", "train")] == [500, 1000, GOALS - 1500]
    order = list(range(GOALS))
    random.Random(233).shuffle(order)
    everything = [*tasks["test"], *tasks["dev"], *tasks["train"]]
    assert [task.id for task in everything[:2]] == ["goal-00000", "goal-00001"]
    assert [task.data["goal"]["asin"] for task in everything] == [ITEMS[number]["asin"] for number in order]
    assert environment.tasks("test", limit=200, seed=3) == tasks["test"][:200]
    assert environment.skipped == ()


def test_a_goal_is_upstreams(shop):
    environment = WebShop(shop)
    for task in environment.tasks("test", limit=50):
        goal = task.data["goal"]
        price = environment.catalogue.by_asin[goal["asin"]].price
        above = [ten for ten in range(10, 1000, 10) if ten > price][1:4]
        assert goal["price_upper"] in above
        assert task.goal.endswith(f", and price lower than {goal['price_upper']:.2f} dollars")
        assert ".," not in task.goal
        assert task.kind == "human"
        assert len(goal["attributes"]) == 2
        assert isinstance(goal["goal_options"], list)


def test_pages_show_ten_results_and_reviews_where_they_are(shop):
    environment = WebShop(shop)
    environment.reset(environment.tasks("test")[0])
    page = environment.step(ToolCall("search", {"keywords": "yoga mats"})).observation
    assert page.count("\n[B0") == 10
    asin = ITEMS[0]["asin"]
    environment.step(ToolCall("search", {"keywords": ITEMS[0]["name"]}))
    page = environment.step(ToolCall("click", {"value": asin})).observation
    assert "[attributes]" not in page
    assert f"rating: {REVIEWS[0]['average_rating']}" in page
    said = environment.step(ToolCall("click", {"value": "reviews"})).observation
    assert REVIEWS[0]["reviews"][0]["review"] in said


def test_the_oracle_earns_the_full_reward_within_the_limit(shop):
    environment = WebShop(shop)
    for task in environment.tasks("test", limit=60):
        environment.reset(task)
        made = list(environment.expert(task))
        feedback = [environment.step(decision.call) for decision in made if decision.call][-1]
        assert feedback.solved, (task, made)
        assert len(made) <= environment.max_turns


def test_the_oracle_buys_what_it_can_within_the_limit(tmp_path):
    options = {name: [{"value": value}] for name, value in (("a", "alpha"), ("b", "beta"), ("c", "gamma"))}
    item = {**ITEMS[0], "customization_options": options}
    goal = {"instruction": "buy", "instruction_attributes": ["kink"], "instruction_options": ["alpha", "beta", "gamma"]}
    environment = WebShop(write(tmp_path, items=[item], goals={item["asin"]: [goal]}))
    (task,) = environment.tasks("test")
    environment.reset(task)
    feedback = [environment.step(decision.call) for decision in environment.expert(task) if decision.call][-1]
    assert feedback.terminated
    assert feedback.measures["options"] == pytest.approx(2 / 3)


def test_a_product_without_a_query_is_found_too(tmp_path):
    item = {**ITEMS[0], "query": " ", "product_category": None}
    environment = WebShop(write(tmp_path, items=[item], goals=human(1)))
    (task,) = environment.tasks("test")
    environment.reset(task)
    assert [environment.step(decision.call) for decision in environment.expert(task) if decision.call][-1].solved


def test_a_product_that_no_word_finds_has_no_oracle(tmp_path):
    item = {**ITEMS[0], "name": "-", "full_description": "", "small_description": [], "customization_options": {}}
    goal = {"instruction": "...", "instruction_attributes": ["-"], "instruction_options": []}
    environment = WebShop(write(tmp_path, items=[{**item, "pricing": "$5000"}], goals={item["asin"]: [goal]}))
    (task,) = environment.tasks("test")
    assert task.goal == ""
    environment.reset(task)
    with pytest.raises(NoExpert, match="no search leads to a purchase within 5 turns"):
        environment.expert(task)


def test_without_human_goals_there_are_the_synthetic_ones(tmp_path):
    item = {
        **ITEMS[0],
        "pricing": "$12.00",
        "customization_options": {
            "Size": [{"value": "Big"}, {"value": "Small"}],
            "Color": [{"value": "Navy"}, {"value": "Red"}, {"value": "White/Grey"}],
        },
    }
    details = {item["asin"]: {"attributes": ["kink free"], "instruction": "Find me a hose",
                              "instruction_attributes": ["kink free"]}}  # fmt: skip
    tasks = WebShop(write(tmp_path, items=[item, ITEMS[1]], details=details, goals=False)).tasks("test")
    assert len(tasks) == 6
    assert {task.kind for task in tasks} == {"synthetic"}
    bounds = {task.data["goal"]["price_upper"] for task in tasks}
    assert len(bounds) == 1
    (bound,) = bounds
    assert f"Find me a hose with color: white | grey, and size: big, and price lower than {bound:.2f} dollars" in {
        task.goal for task in tasks
    }
    environment = WebShop(tmp_path)
    for task in tasks:
        environment.reset(task)
        feedback = [environment.step(decision.call) for decision in environment.expert(task) if decision.call][-1]
        assert feedback.solved


def test_a_shop_that_is_too_large_keeps_the_goals_products_and_the_first_others(tmp_path):
    goals = dict(reversed(human(40).items()))
    goals = {asin: rows for number, (asin, rows) in enumerate(goals.items()) if number < 10}
    folder = write(tmp_path, goals=goals)
    whole, part = (load(folder, skip_bad=False, most=most) for most in (50, 25))
    assert len(whole.catalogue.products) == 50
    assert [one.asin for one in part.catalogue.products] == [
        item["asin"] for number, item in enumerate(ITEMS[:50]) if number < 15 or item["asin"] in goals
    ]
    assert part.tasks == whole.tasks
    assert part.skipped == (
        "items_shuffle.json: 25 products without a human goal, as the shop holds 25 at most",
    )  # fmt: skip


def test_products_that_upstream_leaves_out_are_left_out(tmp_path):
    items = [
        {**ITEMS[0], "asin": "nan"},
        {**ITEMS[0], "asin": "B0123456789"},
        ITEMS[1],
        {**ITEMS[1], "name": "The same again"},
        {**ITEMS[2], "pricing": ""},
    ]
    environment = WebShop(write(tmp_path, items=items, details={}, goals=human(3)))
    assert [product.name for product in environment.catalogue.products] == [ITEMS[1]["name"], ITEMS[2]["name"]]
    assert environment.catalogue.products[1].price == 100.0
    assert environment.catalogue.products[0].attributes == ("DUMMY_ATTR",)


# Files


def test_files_are_found_in_a_folder_its_data_or_by_name(tmp_path):
    big, small = write(tmp_path / "data"), write(tmp_path / "data", small=True)
    assert [path.name for path in find_files(tmp_path) if path] == [
        "items_shuffle.json", "items_ins_v2.json", "items_human_ins.json",
    ]  # fmt: skip
    assert find_files(big) == find_files(tmp_path)
    chosen = find_files(small / "items_shuffle_1000.json")
    assert [path.name for path in chosen if path] == [
        "items_shuffle_1000.json", "items_ins_v2_1000.json", "items_human_ins.json",
    ]  # fmt: skip
    (small / "items_shuffle.json").unlink()
    assert find_files(small)[0].name == "items_shuffle_1000.json"


def test_missing_files_are_named(tmp_path):
    with pytest.raises(BadInput, match=r"no items_shuffle.json or items_shuffle_1000.json"):
        WebShop(tmp_path).tasks("test")
    (tmp_path / "items_shuffle_1000.json").write_text("[]")
    with pytest.raises(BadInput, match=r"no items_ins_v2_1000.json beside items_shuffle_1000.json"):
        WebShop(tmp_path).tasks("test")


def test_files_that_do_not_belong_together(tmp_path):
    with pytest.raises(BadInput, match=r"no goals for the products of items_shuffle.json in items_human_ins.json"):
        WebShop(write(tmp_path, goals={"B1": []})).tasks("test")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("items_shuffle.json", '[{"asin": "B1"', "items_shuffle.json: record 1: not JSON"),
        (
            "items_shuffle.json",
            f"[{json.dumps(ITEMS[0])} 2]",
            "items_shuffle.json: record 1: expected ',' or ']' after it",
        ),
        ("items_shuffle.json", "[] []", "text follows the end of the JSON array"),
        ("items_shuffle.json", b"[\xff\xfe]", "not UTF-8 text"),
        ("items_shuffle.json", "[" * 100_000, "items_shuffle.json: record 1: not JSON"),
        ("items_ins_v2.json", "[]", "items_ins_v2.json: expected a JSON object by product number, found list"),
        ("items_ins_v2.json", "{", "items_ins_v2.json: not JSON"),
        ("items_human_ins.json", b"\xff", "items_human_ins.json: not UTF-8 text"),
        ("reviews.json", "[1]", "reviews.json: record 1: expected an object with 'asin'"),
    ],
)
def test_broken_files_are_named(tmp_path, name, text, said):
    path = write(tmp_path) / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for skip_bad in (False, True):
        with pytest.raises(BadInput) as error:
            WebShop(tmp_path, skip_bad=skip_bad).tasks("test")
        assert said in str(error.value)


BAD_ITEMS = [
    ({**ITEMS[1], "pricing": "cheap"}, "items_shuffle.json: record 2: 'pricing' should hold prices such as $12.99"),
    ({key: value for key, value in ITEMS[1].items() if key != "query"}, "record 2: no field 'query'"),
    ("text", "record 2: expected a JSON object, found str"),
    ({**ITEMS[1], "asin": 7}, "record 2: 'asin' should be a text, found int"),
]


@pytest.mark.parametrize(("record", "said"), BAD_ITEMS)
def test_a_bad_product_is_named_and_can_be_left_out_with_its_goals(tmp_path, record, said):
    write(tmp_path, items=[ITEMS[0], record, *ITEMS[2:5]], goals=human(5))
    with pytest.raises(BadInput) as error:
        WebShop(tmp_path).tasks("test")
    assert said in str(error.value)
    assert str(error.value).endswith("; --skip-bad leaves such records out")
    environment = WebShop(tmp_path, skip_bad=True)
    tasks = environment.tasks("test")
    (line,) = environment.skipped
    assert said in line
    assert sorted(task.data["goal"]["asin"] for task in tasks) == sorted(one["asin"] for one in [ITEMS[0], *ITEMS[2:5]])


def test_the_command_plays_what_can_be_read_and_lists_the_rest(tmp_path):
    folder = write(tmp_path, items=[ITEMS[0], BAD_ITEMS[0][0], *ITEMS[2:9]], goals=human(9))
    result = validate("webshop", data=folder, skip_bad=True, workers=1, limit=None)
    assert (result.tasks, result.solved) == (8, 8)
    assert [line.split(":")[0] for line in result.skipped] == [f"{folder}/items_shuffle.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instruction": None}, "'instruction' should be a text, found NoneType"),
        ({"instruction_attributes": "soft"}, "'attributes' should be a list, found str"),
        ({"instruction_options": [1]}, "'goal_options' should be a text, found int"),
        ({"instruction_options": 5}, "'goal_options' should be a list, found int"),
    ],
)
def test_a_bad_goal_is_named_and_left_out_without_moving_the_others(tmp_path, change, said):
    goals = human(40)
    write(tmp_path, goals=goals)
    before = {task.id: task for split in SPLITS for task in WebShop(tmp_path).tasks(split)}
    asin = ITEMS[3]["asin"]
    goals[asin][0].update(change)
    again = write(tmp_path / "again", goals=goals)
    with pytest.raises(BadInput) as error:
        WebShop(again).tasks("test")
    assert f"items_human_ins.json: {asin} goal 0: {said}" in str(error.value)
    environment = WebShop(again, skip_bad=True)
    after = {task.id: task for split in SPLITS for task in environment.tasks(split)}
    assert len(environment.skipped) == 1
    assert set(before) - set(after) == {task.id for task in before.values() if task.data["goal"]["asin"] == asin}
    assert all(before[key] == task for key, task in after.items())


def test_real_files():
    folder = Path(os.environ.get("AGENTTUNING_DATA", "")) / "webshop"
    if "AGENTTUNING_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("needs WebShop's three JSON files in $AGENTTUNING_DATA/webshop")
    environment = WebShop(folder)
    rewards = []
    for task in environment.tasks("test", limit=50):
        environment.reset(task)
        feedback = [environment.step(decision.call) for decision in environment.expert(task) if decision.call][-1]
        rewards.append(feedback.reward)
    assert sum(rewards) / len(rewards) > 0.8


def test_processes_load_a_folder_once(shop):
    assert load(shop, skip_bad=False) is load(shop, skip_bad=False)
    assert WebShop(shop).catalogue is WebShop(shop).catalogue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=120)
@given(
    field=st.sampled_from([*ITEMS[0], "other"]), value=JSON, kind=st.sampled_from(["item", "goal", "detail"]), bad=JSON
)
def test_any_json_is_read_or_refused_by_name(tmp_path_factory, field, value, kind, bad):
    folder = tmp_path_factory.mktemp("fuzz")
    items, goals, details = [dict(ITEMS[0]), ITEMS[1]], human(2), {**DETAILS, "B1": bad}
    details = {item["asin"]: DETAILS[item["asin"]] for item in ITEMS[:2]}
    asin = ITEMS[0]["asin"]
    if kind == "item":
        items[0][field] = value
    elif kind == "goal":
        goals[asin] = (
            bad if field == "other" else [{**goals[asin][0], f"instruction_{field}": value, "instruction": bad}]
        )
    else:
        details[asin] = bad if field == "other" else {"attributes": value}
    write(folder, items=items, details=details, goals=goals)
    with suppress(BadInput):
        WebShop(folder).tasks("test")
    environment = WebShop(folder, skip_bad=True)
    for task in environment.tasks("test"):
        environment.reset(task)
        for decision in environment.expert(task):
            assert decision.call is not None
            environment.step(decision.call)
