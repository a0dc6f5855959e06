"""The README's table of practices: every command in it exists, and so does every test."""

import re

import pytest
from doc_mentions import command_problems, inline_code

from scripts.docs.commands import list_commands
from scripts.docs.practices import read_practices, render_page
from scripts.repository import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PRACTICES = read_practices(README)
IN_WORDS = {"any", "run twice", "the summary's `Rows` line"}  # commands that the cell tells in words
OPTIONS = {
    name for command in list_commands() if command.words == "python runner_local.py" for name in command.option_names
}


def whole(cell):
    """The commands of a cell: `flightline lineage`, `why` is two of flightline's."""
    before = ""
    for span in inline_code(cell):
        before = span.split()[0] if span.startswith(("flightline ", "make ")) else before
        yield f"{before} {span}" if re.fullmatch(r"[a-z-]+", span) and before else span


def is_command(words):
    known = re.match(r"(make|flightline) \S|(\S*/python )?runner_\w+\.py\b|\S*/python -m \S", words)
    return bool(known) or words.split()[0] in OPTIONS


@pytest.mark.parametrize("item", PRACTICES, ids=[item.practice[:40] for item in PRACTICES])
def test_the_command_exists(item):
    assert item.command, "no command shows it"
    if item.command in IN_WORDS:
        return
    for words in whole(item.command):
        assert is_command(words), f"{words} is neither a command nor an option of the runners"
        options = f"runner_local.py {words}" if words.startswith("--") else words
        assert command_problems(options) == []


@pytest.mark.parametrize("item", PRACTICES, ids=[item.practice[:40] for item in PRACTICES])
def test_the_test_exists(item):
    proofs = inline_code(item.test)
    assert proofs, "no test proves it"
    for proof in proofs:
        if proof.startswith("make "):
            assert command_problems(proof) == []
            continue
        found = [path for path in REPOSITORY.glob(proof) if path.is_dir() or path.name.startswith("test_")]
        assert found, f"there is no {proof}"
        assert all(path.is_file() or any(path.rglob("test_*.py")) for path in found), f"{proof} holds no test"


def test_the_table_is_read_whole():
    section = README.split("## What shows it, what proves it", 1)[1].split("\n## ", 1)[0]
    assert len(PRACTICES) == section.count("\n|") - 2 > 30
    for item in PRACTICES:
        assert item.practice in render_page(README) or "](docs/" in item.practice


def test_the_page_leads_to_the_pages_beside_it():
    text = render_page(README)
    assert "](docs/" not in text
    for name in re.findall(r"\]\(([\w-]+\.md)\)", text):
        assert (REPOSITORY / "docs" / name).is_file()
