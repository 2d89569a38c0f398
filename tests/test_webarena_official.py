"""WebArena's own files: every form they come in, and what is wrong with a record."""

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.webarena.addresses import Addresses, address, placeholders
from agenttuning.environments.webarena.official import load, task
from agenttuning.errors import BadInput

pytest.importorskip("playwright")

SITES = ("SHOPPING", "SHOPPING_ADMIN", "REDDIT", "GITLAB", "MAP", "WIKIPEDIA", "HOMEPAGE")
DATA = Path(os.environ.get("AGENTTUNING_DATA", "/nowhere")) / "webarena"


@pytest.fixture(autouse=True)
def no_sites(monkeypatch):
    for name in (*SITES, "AGENTTUNING_JUDGE"):
        monkeypatch.delenv(name, raising=False)


def record(number=0, **changes):
    """A record with all fields of the published schema."""
    return {
        "sites": ["shopping"],
        "task_id": number,
        "require_login": True,
        "storage_state": "./.auth/shopping_state.json",
        "start_url": "__SHOPPING__",
        "geolocation": None,
        "intent_template": "What is the price of {{product}}",
        "instantiation_dict": {"product": "an oak desk"},
        "intent": "What is the price of an oak desk",
        "require_reset": False,
        "eval": string({"must_include": ["$12"]}),
        "intent_template_id": 7,
        **changes,
    }


def string(references, note=""):
    return {
        "eval_types": ["string_match"],
        "reference_answers": references,
        "reference_url": "",
        "program_html": [],
        "string_note": note,
        "reference_answer_raw_annotation": "$12",
    }


def url(reference, note="GOLD in PRED"):
    return {
        "eval_types": ["url_match"],
        "reference_answers": None,
        "reference_url": reference,
        "program_html": [{"url": "", "required_contents": []}],  # so in published records that do not use it
        "url_note": note,
    }


def html(**target):
    whole = {"url": "last", "locator": "", "required_contents": {"must_include": ["x"]}, **target}
    return {"eval_types": ["program_html"], "reference_answers": None, "reference_url": "", "program_html": [whole]}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2), encoding="utf-8")
    return path


def test_a_record_becomes_a_task(tmp_path):
    (one,) = load(write(tmp_path / "test.raw.json", [record(3)])).tasks
    assert (one.id, one.split, one.kind, one.level) == ("webarena-0003", "test", "shopping", "medium")
    assert one.goal == "What is the price of an oak desk"
    assert one.data["start_url"] == "__SHOPPING__"
    assert one.data["eval"]["reference_answers"] == {"must_include": ["$12"]}
    assert json.loads(json.dumps(one.data)) == one.data


def test_every_form_of_the_files(tmp_path):
    records = [record(number) for number in range(12)]
    forms = {
        "array": write(tmp_path / "test.raw.json", records),
        "lines": write(tmp_path / "lines.jsonl", "\n".join(map(json.dumps, records))),
    }
    for number, one in enumerate(records):
        write(tmp_path / "folder" / f"{number}.json", one)
    write(tmp_path / "folder" / "test.raw.json", records)  # lies beside the numbered ones upstream
    write(tmp_path / "other" / "a.json", records[:6])
    write(tmp_path / "other" / "sub" / "b.json", records[6:])
    forms |= {"numbered": tmp_path / "folder", "other names": tmp_path / "other"}
    for name, path in forms.items():
        assert [one.data["task_id"] for one in load(path).tasks] == list(range(12)), name
    one = write(tmp_path / "one.json", record(5))
    assert [task.id for task in load(one).tasks] == ["webarena-0005"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"no \.json file"):
        load(tmp_path / "empty")
    with pytest.raises(BadInput, match="No such file"):
        load(tmp_path / "gone.json")


def test_variants_of_the_schema():
    assert task(record(eval=url("__SHOPPING__/a |OR| __SHOPPING__/b"))).data["eval"]["url_note"] == "GOLD in PRED"
    assert task(record(eval=url("__SHOPPING__/a", "EXACT"))).data["eval"]["url_note"] == "EXACT"
    no_note = url("__SHOPPING__/a")
    del no_note["url_note"]
    assert task(record(eval=no_note)).data["eval"]["url_note"] == "GOLD in PRED"
    assert (
        task(record(eval=string({"fuzzy_match": "N/A"}, "no such thing"))).data["eval"]["string_note"]
        == "no such thing"
    )
    assert task(record(eval=string({"fuzzy_match": "far"}))).data["eval"]["reference_answers"] == {
        "fuzzy_match": ["far"]
    }
    for locator in (
        "",
        "document.title",
        "[...document.links].length",
        "func:shopping_get_sku_latest_review_author('A')",
    ):
        assert task(record(eval=html(locator=locator))).data["eval"]["program_html"][0]["locator"] == locator
    place = "func:reddit_get_post_url('__last_url__')"
    assert task(record(eval=html(url=place))).data["eval"]["program_html"][0]["url"] == place
    prepared = task(record(eval=html(locator="document.title", prep_actions=["window.scrollTo(0, 0)"])))
    assert prepared.data["eval"]["program_html"][0]["prep_actions"] == ["window.scrollTo(0, 0)"]
    both = {**url("__MAP__"), **html(), "eval_types": ["url_match", "program_html"], "reference_url": "__MAP__"}
    assert task(record(sites=["wikipedia", "map"], eval=both)).kind == "wikipedia+map"
    assert task(record(geolocation={"latitude": 1, "longitude": 2.5})).data["geolocation"] == {
        "latitude": 1.0,
        "longitude": 2.5,
    }
    assert task(record("x-1")).id == "x-1"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"task_id": None}, "'task_id'"),
        ({"task_id": True}, "'task_id'"),
        ({"sites": "shopping"}, "'sites'"),
        ({"sites": []}, "'sites'"),
        ({"intent": ""}, "'intent'"),
        ({"start_url": None}, "'start_url'"),
        ({"storage_state": 5}, "'storage_state'"),
        ({"geolocation": {"latitude": "x"}}, "'geolocation'"),
        ({"eval": None}, "'eval'"),
        ({"eval": {"eval_types": []}}, "'eval.eval_types'"),
        ({"eval": {"eval_types": ["image_match"]}}, "'eval.eval_types'"),
        ({"eval": string(None)}, "'eval.reference_answers'"),
        ({"eval": string({})}, "'eval.reference_answers'"),
        ({"eval": string({"exact_match": ["a"]})}, "'eval.reference_answers.exact_match'"),
        ({"eval": string({"must_include": [5]})}, "'eval.reference_answers.must_include'"),
        ({"eval": string({"sounds_like": "a"})}, "'eval.reference_answers.sounds_like'"),
        ({"eval": url("")}, "'reference_url'"),
        ({"eval": url("__MAP__", "ROUGHLY")}, "'eval.url_note'"),
        ({"eval": {**html(), "program_html": []}}, "'eval.program_html'"),
        ({"eval": {**html(), "program_html": ["x"]}}, r"'eval.program_html\[0\]'"),
        ({"eval": html(url="")}, r"eval.program_html\[0\].'url'"),
        ({"eval": html(locator="fetch('x')")}, r"'eval.program_html\[0\].locator'"),
        ({"eval": html(locator="func:os.system('x')")}, "unknown helper"),
        ({"eval": html(url="func:reddit_get_post_url(open('x'))")}, "no plain values"),
        ({"eval": html(required_contents={})}, "must_include"),
        ({"eval": html(required_contents={"exact_match": 5})}, "required_contents"),
    ],
)
def test_a_bad_record_is_named_or_left_out(changes, named, tmp_path):
    file = write(tmp_path / "test.json", [record(0), record(1, **changes), record(2)])
    with pytest.raises(BadInput, match=rf"record 2: .*{named}"):
        load(file)
    official = load(file, skip_bad=True)
    assert len(official.tasks) == 2
    assert len(official.skipped) == 1
    assert "record 2" in official.skipped[0]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150)
@given(
    field=st.sampled_from(sorted(record())),
    value=anything,
    inner=st.sampled_from(["", *sorted(html()), *sorted(url(""))]),
)
def test_whatever_a_field_holds_a_record_loads_or_is_refused(field, value, inner):
    changed = (
        record(eval={**html(), **({inner: value} if inner else {})}) if field == "eval" else record(**{field: value})
    )
    with suppress(BadInput):
        json.dumps(task(changed).data)


def test_addresses(monkeypatch):
    with pytest.raises(BadInput, match="set the environment variable GITLAB"):
        address("GITLAB")
    monkeypatch.setenv("GITLAB", "ftp://x")
    with pytest.raises(BadInput, match="should be an address"):
        address("GITLAB")
    monkeypatch.setenv("GITLAB", "http://host:8023/")
    assert address("GITLAB") == "http://host:8023"
    assert placeholders("__SHOPPING__/a __SHOPPING_ADMIN__ __X__") == {"SHOPPING", "SHOPPING_ADMIN"}
    sites = Addresses({"SHOPPING": "http://h:7770", "SHOPPING_ADMIN": "http://h:7780/admin"})
    filled = sites.fill({"a": ["__SHOPPING__/x |OR| __SHOPPING_ADMIN__/y", 5, None], "b": "__GITLAB__"})
    assert filled == {"a": ["http://h:7770/x |OR| http://h:7780/admin/y", 5, None], "b": "__GITLAB__"}
    assert sites.shown("see http://h:7780/admin/y") == "see http://luma.com/admin/y"
    assert sites.real("http://onestopmarket.com/x") == "http://h:7770/x"
    assert sites.allows("http://h:7770/a")
    for other in (
        "http://h:7771/",
        "file:///etc/passwd",
        "https://h:7770/",
        "http://h:7770.evil/",
        "http://[x",
        "h:7770",
    ):
        assert not sites.allows(other)


def test_validate_rehearses_where_no_site_is_at_hand(tmp_path, monkeypatch):
    pytest.importorskip("oscar")
    pytest.importorskip("wiki")
    from agenttuning.environments import browser
    from agenttuning.rollout.validate import validate

    if browser.find_chromium() is None:
        pytest.skip("chromium is not installed")
    records = [
        record(0),
        record(1, eval=url("__SHOPPING__/a?x=1 |OR| __SHOPPING__/b")),
        record(2, eval=string({"fuzzy_match": "N/A"})),
        record(3, eval=html()),
        record(4, eval=string({"exact_match": "a", "must_include": ["b"]})),  # cannot be right
    ]
    result = validate("webarena", data=write(tmp_path / "test.json", records), workers=1)
    assert (result.tasks, result.rehearsed, result.solved) == (5, 5, 4)
    assert [failure["id"] for failure in result.failures] == ["webarena-0004"]
    assert "no site was visited" in result.note


@pytest.mark.skipif(not DATA.exists(), reason="AGENTTUNING_DATA names no folder with webarena/")
def test_the_published_file():
    official = load(DATA)
    assert len(official.tasks) == 812
    assert not official.skipped
