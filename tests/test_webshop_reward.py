"""WebShop's reward: the published definition, its quirks included, and products as the official files write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rapidfuzz", reason="needs pip install 'agenttuning[webshop]'")

from agenttuning.environments.webshop.matching import COLORS, normalize_color, similar, token_set_ratio
from agenttuning.environments.webshop.nouns import nouns, tagged_nouns, tagger
from agenttuning.environments.webshop.product import Goal, Product, goal_of, read_goal, read_product
from agenttuning.environments.webshop.reward import (
    judge,
    matched_attributes,
    matched_options,
    same_category,
    title_score,
    type_reward,
)
from agenttuning.errors import BadInput
from agenttuning.trajectory import Task

RECORD = {
    "asin": "B09QGV1FGN",
    "name": "Tarnwick Slim Fit Dress Shirt",
    "query": " Men's Dress Shirts ",
    "category": "fashion",
    "product_category": "Clothing › Men › Shirts › Dress Shirts",
    "full_description": "Made of brushed cotton for the office.",
    "small_description": ["Easy care", "Button closure"],
    "pricing": "$34.50",
    "customization_options": {
        "Color": [{"value": "Navy"}, {"value": "White/Grey", "image": "x.jpg"}],
        "Size": [{"value": " Large "}, {"value": "Small"}],
        "Style": None,
    },
}


def product(**changes: object) -> Product:
    attributes = changes.pop("attributes", ["easy care"])
    return read_product({**RECORD, **changes}, attributes)  # type: ignore[arg-type]


def goal(**changes: object) -> Goal:
    start = {
        "asin": "B09QGV1FGN",
        "name": RECORD["name"],
        "query": "men's dress shirts",
        "product_category": RECORD["product_category"],
        "attributes": ["easy care", "slim fit"],
        "goal_options": ["navy", "large"],
        "price_upper": 50.0,
    }
    return read_goal({**start, **changes})


# Products


def test_a_record_is_read_as_upstream_reads_it():
    one = product()
    assert one.query == "men's dress shirts"
    assert one.options == {"color": ("navy", "white | grey"), "size": ("large", "small")}
    assert (one.price, one.price_text) == (34.5, "$34.5")
    assert one.bullets == ("Easy care", "Button closure")


@pytest.mark.parametrize(
    ("pricing", "price", "shown"),
    [("$1,299.00", 1299.0, "$1299.0"), ("", 100.0, "$100.0"), (None, 100.0, "$100.0"), ("about $5.99!", 5.99, "$5.99")],
)
def test_prices(pricing, price, shown):
    one = product(pricing=pricing)
    assert (one.price, one.price_text) == (price, shown)


def test_a_range_of_prices_costs_a_point_of_it_that_depends_on_the_product_alone():
    one, again, other = (product(pricing="$10.99$20.99$30", asin=asin) for asin in ("B01", "B01", "B02"))
    assert one.price_text == "$10.99 to $20.99"
    assert 10.99 <= one.price <= 20.99
    assert one.price == again.price != other.price


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("pricing", "12.99", "'pricing' should hold prices such as $12.99, found '12.99'"),
        ("pricing", "$", "'pricing' should hold"),
        ("pricing", "$1.2.3", "'pricing' should hold"),
        ("pricing", 12, "'pricing' should be a text, found int"),
        ("asin", "[x]", "'asin' should be one word, found '[x]'"),
        ("asin", "", "'asin' should be one word"),
        ("name", None, "'name' should be a text, found NoneType"),
        ("small_description", {"a": 1}, "'small_description' should be a list, found dict"),
        ("small_description", [1], "'small_description' should be a text, found int"),
        ("customization_options", [1], "'customization_options' should be an object, found list"),
        ("customization_options", {"size": "big"}, "'customization_options.size' should be a list, found str"),
        ("customization_options", {"size": [{"value": 9}]}, "objects with a text 'value'"),
    ],
)
def test_a_bad_record_names_its_field(field, value, said):
    with pytest.raises(BadInput, match=r".*") as error:
        product(**{field: value})
    assert said in str(error.value)


def test_what_upstream_can_do_without_may_be_null():
    one = product(product_category=None, full_description=None, small_description=["a", None], pricing=None)
    assert (one.product_category, one.description, one.bullets) == ("", "", ("a",))
    assert product(small_description="one text", customization_options="").bullets == ("one text",)


def test_a_missing_field_is_named():
    with pytest.raises(BadInput, match="no field 'query'"):
        read_product({key: value for key, value in RECORD.items() if key != "query"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attributes": []}, "'attributes' is empty"),
        ({"attributes": "easy"}, "'attributes' should be a list, found str"),
        ({"goal_options": 3}, "'goal_options' should be a list, found int"),
        ({"price_upper": 0}, "'price_upper' should be a number above 0"),
        ({"name": None}, "'name' should be a text"),
    ],
)
def test_a_bad_goal_names_its_field(changes, said):
    with pytest.raises(BadInput) as error:
        goal(**changes)
    assert said in str(error.value)


def test_goals_survive_a_tasks_data():
    for one in (goal(), goal(goal_options={"color": "navy"}), goal(goal_options=[])):
        assert goal_of(Task("webshop", "x", "test", "buy", {"goal": one.to_json()})) == one
    with pytest.raises(BadInput, match=r"'data.goal' should be an object, found NoneType"):
        goal_of(Task("webshop", "x", "test", "buy", {}))


# The reward


def test_a_purchase_that_has_everything_earns_all():
    reward = judge(product(), goal(), {"color": "navy", "size": "large"}, nouns)
    assert (reward.total, reward.type, reward.attributes, reward.options, reward.price) == (1.0, 1.0, 2, 2, True)


@pytest.mark.parametrize(
    ("changes", "wanted", "chosen", "total"),
    [
        ({}, {}, {"color": "navy"}, 4 / 5),
        ({}, {}, {}, 3 / 5),
        ({"pricing": "$50.01"}, {}, {"color": "navy", "size": "large"}, 4 / 5),
        ({"pricing": "$50.00"}, {}, {"color": "navy", "size": "large"}, 1.0),
        ({}, {"attributes": ["easy care", "wool"]}, {"color": "navy", "size": "large"}, 4 / 5),
        ({}, {"goal_options": []}, {"color": "white | grey"}, 1.0),
        ({"name": "Glass Lamp"}, {"attributes": ["easy care"]}, {"color": "navy", "size": "large"}, 0.0),
        # Of the wanted name's seven nouns the bought one has one: more than a tenth, less than a fifth.
        (
            {"name": "Lamp Shirt", "query": "lamps", "product_category": "Home › Lights"},
            {"name": "Red Blue Green Gold Silver Pink Shirt", "attributes": ["easy care"]},
            {"color": "navy", "size": "large"},
            0.5,
        ),
    ],
)
def test_every_part_counts_its_share(changes, wanted, chosen, total):
    assert judge(product(**changes), goal(**wanted), chosen, nouns).total == pytest.approx(total)


@pytest.mark.parametrize(
    ("common", "of", "related", "expected"),
    [
        (0, 4, True, 0.0),  # no noun in common: nothing, whatever the category
        (1, 11, True, 0.1),
        (1, 10, True, 1.0),
        (1, 10, False, 0.5),
        (1, 5, False, 0.5),  # exactly a fifth is not enough
        (1, 4, False, 1.0),
        (4, 4, False, 1.0),
        (0, 0, True, 1.0),  # a name without nouns counts as a fifth
        (0, 0, False, 0.5),
    ],
)
def test_type_reward_by_the_share_of_nouns(common, of, related, expected):
    def words(name: str) -> list[str]:
        return [f"n{i}" for i in range(of)] if name == "goal" else [f"n{i}" for i in range(common)]

    bought = product(name="bought", query="a", product_category="X › Y")
    wanted = goal(name="goal", query="a" if related else "b", product_category="P › Q")
    assert type_reward(bought, wanted, words) == expected


def test_repeated_nouns_count_below_the_line_only():
    assert title_score(["bar"], ["bar", "bar", "cord"]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("a › b › c", True),
        ("b › c › a", True),
        ("d › e › f", False),
        ("a › d › b", True),
        ("a › a › d", False),
        (" a ›b", True),
        ("", False),
    ],
)
def test_categories_share_two_different_steps_in_any_order(path, same):
    assert same_category(path, "a › b › c") is same


def test_attributes_match_fuzzily_in_the_list_and_to_the_letter_in_the_texts():
    one = product(attributes=["tea tree", "essential oil", "natural ingredients"])
    assert matched_attributes(one, ["tea tree", "essential oils", "natural ingredients"]) == 3
    other = product(
        attributes=["tea bag", "earl gray"],
        small_description=["This shampoo has essential", "oils of lemons"],
        full_description="Made with Natural Ingredients",
    )
    assert matched_attributes(other, ["tea tree", "essential oils", "natural ingredients"]) == 2
    assert matched_attributes(other, ["Natural Ingredients"]) == 0  # upstream lowers the texts alone


@pytest.mark.parametrize(
    ("chosen", "wanted", "count"),
    [
        (["pack of 12", "grey", "XL"], ["grey", "XL", "pack of 12"], 3),
        (["pack of 12", "blue", "XL"], ["grey", "XL", "pack of 12"], 2),
        (["pack of 12", "powder snow", "XL"], ["cool powder snow", "XL", "pack of 12"], 3),
        (["goal 1"], [], 0),
        ([], ["goal 1"], 0),
        (["light blue"], ["navy blue"], 1),  # both become blue
        (["x-large"], ["large"], 1),  # one's words inside the other's
        (["standard"], ["tan"], 1),  # "tan" stands in "standard"
        (["16 ounce"], ["8 ounce"], 0),
        (["grey", "xl"], [("color", "grey"), ("size", "xl")], 2),
        (["size xl"], [("size", "xl")], 1),
        (["small"], [("size", "xl")], 0),
    ],
)
def test_options_match_as_texts(chosen, wanted, count):
    assert matched_options(chosen, wanted) == count


def test_colors_become_their_first_known_word():
    published = [
        ("", ""),
        ("black forest", "black"),
        ("violet lavender", "lavender"),
        ("steelivy fuchsia", "fuchsia"),
        ("123alabaster", "alabaster"),
        ("webshop", "webshop"),
    ]
    assert [normalize_color(text) for text, _ in published] == [color for _, color in published]
    assert len(COLORS) == len(set(COLORS)) == 102


@settings(max_examples=300)
@given(st.text(max_size=30), st.text(max_size=30))
def test_token_set_ratio_is_that_of_thefuzz(one, other):
    fuzz = pytest.importorskip("thefuzz.fuzz", reason="needs pip install thefuzz")
    assert token_set_ratio(one, other) == fuzz.token_set_ratio(one, other)
    assert similar(one, other) is (fuzz.token_set_ratio(one, other) > 85)


# Nouns


PUBLISHED = [
    (
        "Mens D.O.N. Issue 2 Gca Basketball Sneakers Shoes Casual - Off White",
        "PEAK High Top Mens Basketball Shoes Lou Williams Streetball Master Breathable Non Slip Outdoor Sneakers",
        0.4,
    ),
    (
        "Saireed UL Listed 2 Prong Power Cord for JBL Bar 3.1 Bar 2.1 Channel 4K Ultra HD Soundbar Home Theater System "
        "Subwoofer",
        "BRST AC Power Cord Outlet Socket Cable Plug Lead for Panasonic SC-HT830V DVD/VCR Combo Home Theater System",
        0.3125,
    ),
    (
        "Saireed UL Listed 2 Prong Power Cord for JBL Bar 3.1 Bar 2.1 Channel 4K Ultra HD Soundbar",
        "BRST AC Power Cord Outlet Socket Cable Plug Lead for Panasonic SC-HT830V DVD/VCR Combo Home Theater System",
        0.1667,
    ),
    (
        "Rusticware 921ORB Kitchen and Bath Cabinet Knob",
        "Minkissy 2pcs Stainless Steel Eyebrow Tweezers Blackhead Acne Remover Portable Makeup Tweezers (Silver)",
        0.0,
    ),
]


@pytest.mark.parametrize(("wanted", "bought", "score"), PUBLISHED)
def test_the_rule_for_nouns_is_near_the_tagger(wanted, bought, score):
    own = title_score(nouns(bought), nouns(wanted))
    assert own == pytest.approx(score, abs=0.06)
    if tagger() is not None:
        tagged = title_score(tagged_nouns(bought), tagged_nouns(wanted))
        assert tagged == pytest.approx(score, abs=0.01)


def test_closed_classes_numbers_and_units():
    assert nouns("Women's Bag for the Office, 6.7oz, and 2 Straps w/ Lock") == [
        "women", "bag", "office", "oz", "straps", "lock",
    ]  # fmt: skip
    assert nouns("12 x 3") == ["x"]
    assert nouns("") == []
