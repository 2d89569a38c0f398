"""A stage is done once, whole or not at all, and what was done is found again."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agenttuning.errors import BadInput
from agenttuning.files import read_json, read_jsonl
from agenttuning.stages import Stage, perform, status


class Copy:
    """A stage that copies lines until it is told to fail; counts how many it really wrote."""

    def __init__(self, folder: Path, **settings):
        self.source, self.out = folder / "in.txt", folder / "out"
        self.settings, self.wrote, self.fail_at, self.said = settings, 0, None, []
        if not self.source.exists():
            self.source.write_text("a\nb\nc\n")

    def stage(self, **changes):
        return Stage("copy", self.out, self.settings | changes, (self.source,), self.work, grows=("limit",))

    def work(self, partial):
        target = partial / "copy.txt"
        have = target.read_text().splitlines() if target.exists() else []
        for line in self.source.read_text().splitlines()[len(have) :]:
            if self.fail_at == line:
                raise OSError("the cat pulled the plug")
            with target.open("a") as stream:
                stream.write(line + "\n")
            self.wrote += 1
        return {"lines": self.wrote}

    def run(self, **changes):
        log = self.out.parent / "log.jsonl"
        return perform(self.stage(**changes), log=log, say=self.said.append)


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path, size=1, limit=2)


def test_a_finished_stage_has_a_manifest_and_is_skipped(copy):
    manifest = copy.run()
    assert manifest == read_json(copy.out / "manifest.json")
    assert manifest["counts"] == {"lines": 3}
    assert manifest["settings"] == {"size": 1, "limit": 2}
    assert manifest["inputs"][0][0] == "in.txt"
    assert manifest["seconds"] >= 0
    assert manifest["peak_memory_mb"] > 5
    assert manifest["versions"]["agenttuning"]
    assert sorted(p.name for p in copy.out.iterdir()) == ["copy.txt", "manifest.json"]
    assert copy.run() == manifest
    assert copy.wrote == 3
    assert "up to date" in copy.said[-1]
    events = [row["event"] for _, row in read_jsonl(copy.out.parent / "log.jsonl")]
    assert events == ["started", "finished", "skipped"]


def test_changed_inputs_or_settings_run_it_again_and_keep_the_old(copy):
    copy.run()
    copy.source.write_text("d\n")
    assert status(copy.stage()) == (True, "inputs changed")
    copy.run()
    assert (copy.out / "copy.txt").read_text() == "d\n"
    assert (copy.out.with_name("out.old") / "copy.txt").read_text() == "a\nb\nc\n"
    assert status(copy.stage(size=2)) == (True, "settings changed: size")
    copy.run(size=2)
    assert copy.wrote == 5


def test_settings_of_speed_alone_change_nothing(copy):
    copy.run(workers=1)
    assert status(copy.stage(workers=8)) == (False, "up to date")


def test_a_failed_stage_goes_on_where_it_stopped(copy):
    copy.fail_at = "c"
    with pytest.raises(OSError, match="cat"):
        copy.run()
    assert not copy.out.exists()
    assert status(copy.stage()) == (True, "was interrupted, goes on where it stopped")
    copy.fail_at = None
    copy.run()
    assert copy.wrote == 3
    assert (copy.out / "copy.txt").read_text() == "a\nb\nc\n"


def test_what_was_begun_with_other_settings_is_set_aside(copy):
    copy.fail_at = "c"
    with pytest.raises(OSError, match="cat"):
        copy.run()
    copy.fail_at = None
    copy.run(size=2)
    assert copy.wrote == 5
    assert (copy.out.parent / "out.partial.old" / "copy.txt").read_text() == "a\nb\n"


def test_a_count_that_rises_goes_on_from_what_is_there(copy):
    copy.run()
    copy.run(limit=5)
    assert copy.wrote == 3
    copy.run(limit=4)  # fewer than are there: made anew, or the file would hold too many
    assert copy.wrote == 6


def test_killed_between_the_last_write_and_the_renaming(copy):
    copy.run()
    copy.out.rename(copy.stage().partial)
    copy.run()
    assert copy.wrote == 3
    assert (copy.out / "manifest.json").exists()


def test_a_missing_input_is_named(copy):
    copy.source.unlink()
    assert status(copy.stage()) == (True, f"{copy.source} is not there yet")
    assert status(copy.stage(), {copy.source.parent}) == (True, f"{copy.source} will be made first")
    with pytest.raises(BadInput, match="no such file or folder; copy reads it"):
        copy.run()


def test_two_processes_do_not_work_on_one_folder(copy):
    def meddle(partial):
        with pytest.raises(BadInput, match=f"process {os.getpid()} is at work on it"):
            copy.run()

    perform(Stage("copy", copy.out, {}, (), meddle), say=copy.said.append)


def test_killed_at_any_moment_it_loses_and_repeats_nothing(tmp_path):
    script = tmp_path / "work.py"
    script.write_text(
        textwrap.dedent("""
        import os, sys, time
        from pathlib import Path
        from agenttuning.stages import Stage, perform

        def work(partial):
            target = partial / "rows.txt"
            have = len(target.read_text().splitlines()) if target.exists() else 0
            for row in range(have, 40):
                with target.open("a") as stream:
                    stream.write(f"{row}\\n")
                time.sleep(0.005)
            return {"rows": 40}

        perform(Stage("rows", Path(sys.argv[1]) / "out", {}, (), work))
        """)
    )
    for moment in (0.1, 0.15, 0.2, 0.25, 0.3):
        process = subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.DEVNULL)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    subprocess.run([sys.executable, script, tmp_path], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "out" / "rows.txt").read_text().splitlines() == [str(i) for i in range(40)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "work.py"]
