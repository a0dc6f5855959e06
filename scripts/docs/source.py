"""Gather what MkDocs reads: docs/, CONTRIBUTING.md, the changelog, the benchmarks, and the pages made from the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from scripts.docs import api, commands, config_keys, exit_codes
from scripts.repository import REPOSITORY

SOURCE_DIR = REPOSITORY / "build" / "docs" / "source"  # as mkdocs.yml has it
BENCHMARK_FILES = ("results.md", "results.svg", "serving.md", "quality.md", "spans.md")


def generate_pages() -> dict[str, str]:
    """The pages that are made from the code, or lie outside of docs/: name → Markdown."""
    return {
        "reference/config.md": config_keys.render_page(),
        "reference/commands.md": commands.render_page(),
        "reference/exit-codes.md": exit_codes.render_page(),
        "reference/api.md": api.render_page(),
        "contributing.md": _top_level_page("CONTRIBUTING.md"),
        "changelog.md": _top_level_page("CHANGELOG.md"),
    }


def _top_level_page(name: str) -> str:
    """A page of the repository's top level; its links into docs/ become links to neighbours."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    return re.sub(r"\]\(docs/([\w/.-]+)", r"](\1", text)


def assemble_source(target: Path) -> None:
    """Write all pages below `target`, and remove whatever else is there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(REPOSITORY / "docs", target)
    for page in target.glob("*.md"):
        page.write_text(_site_links(page.read_text(encoding="utf-8")), encoding="utf-8")
    (target / "benchmarks").mkdir()
    for name in BENCHMARK_FILES:
        shutil.copy2(REPOSITORY / "benchmarks" / name, target / "benchmarks" / name)
    for name, text in generate_pages().items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")


def _site_links(text: str) -> str:
    """A page of docs/ with its links to files next to docs/ pointing to where the site has them."""
    return text.replace("](../benchmarks/", "](benchmarks/").replace("](../CONTRIBUTING.md", "](contributing.md")
