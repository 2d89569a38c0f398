"""Every row says where it comes from, from the first stage to the card."""

import json

import pytest
import yaml
from corpus_rows import chat, episode

from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.cli import main
from agenttuning.conversation import from_row
from agenttuning.corpus.formats.convert import convert
from agenttuning.corpus.mixture import MixConfig, mix
from agenttuning.corpus.redesign import RedesignConfig, redesign
from agenttuning.files import read_jsonl, write_jsonl
from agenttuning.provenance import forbids, made_of, marked, of, provenance
from agenttuning.rollout.collect import CollectConfig, collect
from agenttuning.rollout.origin import origin


def test_what_is_known_first_stands_and_what_was_done_is_added():
    one = marked(from_row(chat(1)), "import openai", source="a", license=None)
    two = marked(one, "lint mask", source="b", teacher="gpt-4")
    assert of(two) == {
        "source": "a",
        "license": "unknown",
        "teacher": "gpt-4",
        "environment": "unknown",
        "environment_version": "unknown",
        "seed": "unknown",
        "transformations": ["import openai", "lint mask"],
    }
    assert of(one)["transformations"] == ["import openai"]


def test_a_trajectory_knows_its_teacher_environment_and_seed():
    known = of(episode(1, seed=7))
    assert (known["teacher"], known["environment"], known["seed"]) == ("expert", "database", 7)


@pytest.mark.parametrize("meta", [{}, {"provenance": None}, {"provenance": "x"}, {"provenance": {"license": None}}])
def test_any_meta_is_read(meta):
    assert provenance(meta)["license"] == "unknown"
    assert provenance(meta)["transformations"] == []


@pytest.mark.parametrize(
    ("license", "allowed", "found"),
    [
        ("CC-BY-ND-4.0", (), True),
        ("cc by nd 4.0", (), True),
        ("cc-by-nd-4.0", ("CC-BY-ND-4.0",), False),
        ("cc-by-nd-4.0", ("llama2",), True),
        ("cc-by-nc-4.0", (), False),
        ("cc-by-nc-nd-2.5", (), True),
        ("cc-by-nd", (), True),
        ("apache-2.0", (), False),
        ("apache-2.0 AND cc-by-nd-4.0", (), True),
        ("apache-2.0 and llama3", ("llama3",), False),
        ("unknown", (), False),
    ],
)
def test_licences_that_forbid_training(license, allowed, found):
    assert forbids(license, allowed) is found


def test_a_row_made_of_two_names_both_where_they_differ():
    one = marked(from_row(chat(1)), "import openai", source="a", license="apache-2.0", seed=3)
    two = marked(from_row(chat(2)), "rehearse", source="b", license="apache-2.0")
    assert made_of(one, two) == {
        "source": "a AND b",
        "license": "apache-2.0",
        "seed": 3,
        "transformations": ["import openai", "rehearse"],
    }
    assert made_of(one, from_row(chat(3)))["license"] == "apache-2.0 AND unknown"


def test_every_row_of_a_redesign_says_where_it_is_from(tmp_path):
    played = [marked(episode(n), "collect", source="ours", license="cc-by-4.0") for n in range(12)]
    write_trajectories(tmp_path / "kept.jsonl", played)
    out = tmp_path / "rows.jsonl"
    config = RedesignConfig(plain=0.3, format_following=0.5, negatives=1.0)
    counts = redesign(config, [tmp_path / "kept.jsonl"], out, dialect="chat", seed=0)
    rows = [row for _, row in read_jsonl(out)]
    assert any(kind.startswith("negative/") for kind in counts["kinds"])
    assert any(kind.startswith("format-following/") for kind in counts["kinds"])
    for row in rows:
        known = provenance(row["meta"])
        assert "cc-by-4.0" in known["license"], row["id"]
        assert known["transformations"][0] == "collect", row["id"]
        assert known["transformations"][-1] == "redesign", row["id"]
    plain = [row for row in rows if row["id"].startswith("negative/tools-plain-query")]
    assert plain
    assert {provenance(row["meta"])["license"] for row in plain} == {"cc-by-4.0 AND apache-2.0"}


def test_importers_say_source_and_licence(tmp_path):
    write_jsonl(
        tmp_path / "db.jsonl", [{"id": "x", "system": "", "chat": "USER: Hi\n\n\nASSISTANT: Hello! <|endoftext|>"}]
    )
    write_jsonl(tmp_path / "mine.jsonl", [chat(1)])
    convert([tmp_path / "db.jsonl"], tmp_path / "a")
    convert([tmp_path / "mine.jsonl"], tmp_path / "b", source="our chats", license="cc-by-4.0")
    (_, one), *_ = read_jsonl(tmp_path / "a" / "conversations.jsonl")
    (_, two), *_ = read_jsonl(tmp_path / "b" / "conversations.jsonl")
    assert one["meta"]["provenance"] == {
        "source": "glaive-function-calling-v2",
        "license": "apache-2.0",
        "transformations": ["import glaive"],
    }
    assert two["meta"]["provenance"]["license"] == "cc-by-4.0"
    assert two["meta"]["provenance"]["source"] == "our chats"


def test_a_collected_episode_says_what_played_it(tmp_path):
    collect(CollectConfig(environments={"database": 2}, workers=1), tmp_path, dialect="command", seed=5)
    known = [of(one) for one in read_trajectories(tmp_path / "database.jsonl")]
    assert [one["source"] for one in known] == ["collected: database, built-in tasks"] * 2
    assert known[0]["environment_version"].startswith("agenttuning 0.")
    assert (known[0]["license"], known[0]["seed"], known[0]["teacher"]) == ("apache-2.0", 5, "expert")
    benchmark = origin(episode(1), tmp_path / "db.jsonl")
    assert benchmark["source"] == "collected: database, tasks of db.jsonl"
    assert "license" not in benchmark


def test_the_card_of_a_mixture(tmp_path, capsys):
    mine = [marked(episode(i, seed=i % 3), None, source="a | b", license="apache-2.0") for i in range(6)]
    write_trajectories(tmp_path / "kept.jsonl", mine)
    rows = [chat(i, meta={"provenance": {"license": "llama2", "source": "chats"}}) for i in range(4)]
    write_jsonl(tmp_path / "general.jsonl", rows)
    config = MixConfig(eta=0.6, general=str(tmp_path / "general.jsonl"), allow_licenses=("llama2",))
    mix(config, tmp_path / "kept.jsonl", tmp_path / "corpus" / "corpus.jsonl", dialect="react", seed=0)
    with pytest.raises(SystemExit) as ended:
        main(["card", str(tmp_path / "corpus"), "--out", str(tmp_path / "corpus" / "README.md"), "--title", "Mine"])
    assert ended.value.code == 0
    text = (tmp_path / "corpus" / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == ["apache-2.0", "llama2"]
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": ["corpus.jsonl"]}]
    assert "| 6 | a \\| b | apache-2.0 | expert | database | unknown | 0 to 2 | dialect react |" in text
    assert "| 4 | chats | llama2 | unknown | unknown | unknown | unknown | none |" in text
    assert "Rows under llama2 are here although that forbids training on them." in text
    assert "10 rows under apache-2.0, llama2" in capsys.readouterr().out


def test_a_card_of_nothing_is_told(tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text("{\n")
    with pytest.raises(SystemExit) as ended:
        main(["card", str(tmp_path / "a.jsonl")])
    assert ended.value.code == 2
    assert "no row could be read" in capsys.readouterr().err


def test_provenance_is_plain_json():
    assert json.loads(json.dumps(dict(marked(episode(1), "x").meta)))["provenance"]["transformations"] == ["x"]
