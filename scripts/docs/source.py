"""The input of MkDocs: docs/, the results of the benchmarks, and the pages that are generated from the code."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.docs import api, commands, config_keys, exit_codes, practices
from scripts.repository import REPOSITORY

SOURCE_DIR = REPOSITORY / "build" / "docs" / "source"  # as mkdocs.yml has it
BENCHMARK_FILES = ("results.md", "results.svg", "serving.md", "quality.md", "spans.md")


def generate_pages() -> dict[str, str]:
    """The pages that are generated from the code: name → Markdown."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return {
        "practices.md": practices.render_page(readme),
        "reference/config.md": config_keys.render_page(),
        "reference/commands.md": commands.render_page(),
        "reference/exit-codes.md": exit_codes.render_page(),
        "reference/api.md": api.render_page(),
        "changelog.md": (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"),
    }


def assemble_source(target: Path) -> None:
    """Writes all pages into `target`, and deletes everything else there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(REPOSITORY / "docs", target)
    for page in target.glob("*.md"):  # the site has benchmarks/ inside of docs/
        page.write_text(page.read_text(encoding="utf-8").replace("](../benchmarks/", "](benchmarks/"), encoding="utf-8")
    (target / "benchmarks").mkdir()
    for name in BENCHMARK_FILES:
        shutil.copy2(REPOSITORY / "benchmarks" / name, target / "benchmarks" / name)
    for name, text in generate_pages().items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")
