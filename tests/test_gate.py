"""Rules as text, what they decide, and the command with its exit codes."""

import json
from random import Random
from xml.etree import ElementTree

import pytest
from evaluations import evaluation, written

from agenttuning.cli import main
from agenttuning.errors import BadInput
from agenttuning.evaluation.gate import gate, junit
from agenttuning.evaluation.rules import Rule, parse

BASE = evaluation("base", {"database": {0, 1}, "*hotpotqa": {1}}, questions=30)
TUNED = evaluation("tuned", {"database": set(range(14)), "*hotpotqa": {1, 2}}, questions=29)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("held-in > base", ("held-in", ">", True, 0.0)),
        ("general >= base - 1%", ("general", ">=", True, -0.01)),
        ("alfworld>=0.5", ("alfworld", ">=", False, 0.5)),
        ("  restraint  >  base  ", ("restraint", ">", True, 0.0)),
        ("perplexity <= base + .1", ("perplexity", "<=", True, 0.1)),
        ("held-in/W < 2.", ("held-in/W", "<", False, 2.0)),
        ("held-in >= 50 %", ("held-in", ">=", False, 0.5)),
        ("x >= base − 2", ("x", ">=", True, -2.0)),
    ],
)
def test_rules_are_read(text, rule):
    assert parse(text) == Rule(text, *rule)


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("", 1, "a measure"),
        ("> base", 1, "a measure"),
        ("held-in", 8, "one of > >= < <="),
        ("held-in == base", 9, "one of"),
        ("held-in > ", 11, "base or a number"),
        ("held-in > best", 11, "base or a number"),
        ("held-in > base 1", 16, "+ or -"),
        ("held-in > base - ", 18, "a number"),
        ("held-in > base * 2", 16, "+ or -"),
        ("held-in > 0.5 or 1", 15, "the end of the rule"),
        ("held-in > -1", 11, "base or a number"),
        ("held-in > 1e3", 12, "the end of the rule"),
        ("held in > base", 6, "one of"),
        ("held-in > baseline", 15, "+ or -"),
        ("__import__('os')", 1, "a measure"),
    ],
)
def test_bad_rules_say_where(text, place, expected):
    with pytest.raises(BadInput) as error:
        parse(text)
    assert f"character {place}: expected {expected}" in str(error.value)


def test_a_rule_is_short_and_its_error_shows_no_control_characters():
    with pytest.raises(BadInput, match="at most 200"):
        parse("held-in > " + "1" * 300)
    with pytest.raises(BadInput) as error:
        parse("held-in \x1b[31m")
    assert "\x1b" not in str(error.value)


def test_any_text_is_a_rule_or_refused():
    rng, read = Random(0), 0
    parts = ["held-in", "base", ">", ">=", "<", "=", "+", "-", "1", "0.5", "%", " ", "\t", "é", "−", "(", "/W", "\n"]
    for _ in range(3000):
        try:
            rule = parse("".join(rng.choices(parts, k=rng.randint(0, 7))))
        except BadInput:
            continue
        read += 1
        assert rule.operator in (">", ">=", "<", "<=")
    assert read > 3


@pytest.mark.parametrize(
    ("operator", "above", "equal", "below"),
    [(">", True, False, False), (">=", True, True, False), ("<", False, False, True), ("<=", False, True, True)],
)
def test_operators(operator, above, equal, below):
    rule = parse(f"x {operator} 1")
    assert (rule.holds(0.1), rule.holds(0.0), rule.holds(-0.1)) == (above, equal, below)
    assert rule.holds(0.7 - 0.1 - 0.6) is equal  # no more than rounding


def checks(*rules, confident=False, base=BASE, tuned=TUNED):
    found, _ = gate([parse(rule) for rule in rules], [tuned], [base] if base else [], confident=confident)
    return found


def test_by_the_estimate_and_by_the_interval():
    rules = ("held-in > base", "general >= base - 5%", "database >= 0.5", "database >= 0.8")
    by_point, by_interval = (checks(*rules, confident=confident) for confident in (False, True))
    assert [check.passed for check in by_point] == [True, True, True, False]
    assert [check.passed for check in by_interval] == [True, False, False, False]
    general = by_point[1]
    assert (general.value, general.bound) == pytest.approx((29 / 40, 30 / 40 - 0.05))
    assert general.margin == pytest.approx(0.025)
    assert general.low < 0 < general.high
    assert "the 95 % interval reaches past the bound" in by_interval[1].reason
    assert by_point[3].reason == "database is 70.0 %, the bound 80.0 %; inside the noise"


def test_the_edge_of_a_bound_belongs_to_or_equal():
    assert [check.passed for check in checks("database >= 70%", "database > 70%", "database <= 0.7")] == [
        True,
        False,
        True,
    ]
    assert checks("hotpotqa >= base + 5%")[0].passed


def test_what_cannot_be_decided_fails_and_says_why():
    found = checks("restraint > base", "alfworld >= 0.5", "perplexity <= base", "two-sided > base")
    assert [check.passed for check in found] == [False, False, True, False]
    assert found[1].reason == "the model's evaluation has no alfworld"
    without = evaluation("base", {"*hotpotqa": {1}})
    (check,) = checks("database > base", base=without)
    assert (
        "database: only the model played it" in check.reason or "the base's evaluation has no database" in check.reason
    )
    changed = evaluation("base", {"database": {1}}, wording="Another.")
    (check,) = checks("database > base", base=changed)
    assert "two versions of the environment" in check.reason
    assert not check.passed


def test_rules_about_nothing_and_without_a_base_are_bad():
    with pytest.raises(BadInput, match=r"'databse' is no measure; there are held-in"):
        checks("databse > 0.5")
    with pytest.raises(BadInput, match="no base to compare with"):
        checks("database > base", base=None)
    assert checks("database > 0.5", base=None)[0].passed


def test_junit_is_read_by_an_xml_reader():
    found = checks("held-in > base", "database >= 0.99")
    root = ElementTree.fromstring(junit(found, "a <model> & \x00 more"))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    good, bad = root.iter("testcase")
    assert good.get("name") == "held-in > base"
    assert good.get("classname") == "a <model> & ? more"
    assert good.find("failure") is None
    assert "the bound 99.0 %" in bad.find("failure").get("message")


def status(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["gate", *map(str, arguments)])
    return end.value.code


def test_the_command_and_its_exit_codes(tmp_path, capsys):
    run = tmp_path / "run"
    written(run / "evaluation" / "base", BASE)
    tuned = written(run / "evaluation" / "tuned", TUNED)
    file = tmp_path / "out" / "junit.xml"
    assert status(run, "--rule", "held-in > base", "--rule", "database >= 0.5", "--junit", file) == 0
    assert "decided by the estimate" in capsys.readouterr().out
    assert len(list(ElementTree.parse(file).iter("testcase"))) == 2
    assert status(run, "--rule", "held-in > base", "--rule", "database >= 0.99") == 1
    assert "FAILS: database >= 0.99: database is 70.0 %, the bound 99.0 %" in capsys.readouterr().out
    assert (
        status(tuned, "--against", run / "evaluation" / "base", "--rule", "held-in > base", "--confident", "--json")
        == 0
    )
    answer = json.loads(capsys.readouterr().out)
    assert (answer["passed"], answer["by"], answer["checks"][0]["n"]) == (True, "interval", 20)
    for arguments in (
        (run, "--rule", "held-in >"),
        (tuned, "--rule", "held-in > base"),
        (run,),
        (tmp_path, "--rule", "database > 0"),
    ):
        assert status(*arguments) == 2
        assert capsys.readouterr().err.startswith("error: ")
