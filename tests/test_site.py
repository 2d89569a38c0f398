"""The documentation site: every page in its place, no request to another server, and a broken link is an error."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytest.importorskip("material", reason="needs agenttuning[docs]")


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", config, "--site-dir", site],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_the_site_is_built_strictly_and_asks_nothing_of_other_servers(tmp_path: Path):
    answer = build(ROOT / "mkdocs.yml", tmp_path)
    assert answer.returncode == 0, answer.stderr
    pages = {
        page.relative_to(tmp_path).as_posix(): page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")
    }
    assert {f"{page.stem}.html" for page in (ROOT / "docs").glob("*.md")} < set(pages)
    for name, text in pages.items():
        fetched = re.findall(r"<(?:script|img|iframe|source)\b[^>]*?\bsrc=[\"']?([^\"'\s>]+)", text)
        fetched += re.findall(r"<link\b(?=[^>]*stylesheet)[^>]*?\bhref=[\"']?([^\"'\s>]+)", text)
        assert fetched, name
        assert [address for address in fetched if re.match(r"(https?:)?//", address)] == [], name
    assert "Turns an open language model into a better agent" in pages["index.html"]
    # A link of README.md's, of a page's, and one to a file that is no page.
    assert 'href="install.html"' in pages["index.html"]
    assert 'href="recipe.html' in pages["training.html"] + pages["endpoints.html"]
    assert 'href="source/recipes/quickstart.yaml"' in pages["recipe.html"]
    copied = tmp_path / "source" / "recipes" / "quickstart.yaml"
    assert copied.read_bytes() == (ROOT / "recipes" / "quickstart.yaml").read_bytes()


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    links = ("gone.md", "index.md#nowhere", "../recipes/gone.yaml")
    (tmp_path / "docs" / "index.md").write_text("# Page\n\n" + " ".join(f"[one]({link})" for link in links) + "\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ntheme: {{name: mkdocs, palette: null, features: null}}\n"
        "plugins: []\nhooks: []\nnav: [index.md]\n"
    )
    answer = build(config, tmp_path / "site")
    assert answer.returncode != 0
    assert [link for link in links if link not in answer.stderr] == []
