"""What MkDocs reads: docs/ and the benchmarks' results as they are, and the pages that are made of the code."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.digests import ROOT
from scripts.docs import api, commands, config_keys, exit_codes, practices

SOURCE = ROOT / "build" / "docs" / "source"  # as mkdocs.yml has it
BENCHMARKS = ("results.md", "results.svg", "serving.md", "quality.md", "spans.md")


def generated() -> dict[str, str]:
    """The pages that are made of the code: name → Markdown."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return {
        "practices.md": practices.page(readme),
        "reference/config.md": config_keys.page(),
        "reference/commands.md": commands.page(),
        "reference/exit-codes.md": exit_codes.page(),
        "reference/api.md": api.page(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
    }


def gather(target: Path) -> None:
    """Puts all pages below `target`, which holds nothing else when this returns."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target)
    for page in target.glob("*.md"):  # in the checkout the benchmarks are beside docs/, in the site below it
        page.write_text(page.read_text(encoding="utf-8").replace("](../benchmarks/", "](benchmarks/"), encoding="utf-8")
    (target / "benchmarks").mkdir()
    for name in BENCHMARKS:
        shutil.copy2(ROOT / "benchmarks" / name, target / "benchmarks" / name)
    for name, text in generated().items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")
