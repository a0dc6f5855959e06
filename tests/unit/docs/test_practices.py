"""Every command and every test in docs/practices.md exists."""

import re

import pytest
from doc_mentions import command_problems, inline_code

from scripts.docs.commands import list_commands
from scripts.docs.practices import read_practices
from scripts.repository import REPOSITORY

PAGE = (REPOSITORY / "docs" / "practices.md").read_text(encoding="utf-8")
PRACTICES = read_practices(PAGE)
WITHOUT_COMMAND = {"any run"}  # command cells that hold no command
RUNNER_OPTIONS = {
    name for command in list_commands() if command.words == "python runner_local.py" for name in command.option_names
}


def commands_in(cell):
    """The commands of a cell: `flightline lineage`, `why` is two commands of flightline."""
    program = ""
    for span in inline_code(cell):
        program = span.split()[0] if span.startswith(("flightline ", "make ")) else program
        yield f"{program} {span}" if re.fullmatch(r"[a-z-]+", span) and program else span


def is_command(words):
    known = re.match(r"(make|flightline) \S|(\S*/python )?runner_\w+\.py\b|\S*/python -m \S", words)
    return bool(known) or words.split()[0] in RUNNER_OPTIONS


@pytest.mark.parametrize("item", PRACTICES, ids=[item.practice[:40] for item in PRACTICES])
def test_the_command_of_a_practice_exists(item):
    if item.command in WITHOUT_COMMAND:
        return
    commands = list(commands_in(item.command))
    assert commands, "the row names no command"
    for words in commands:
        assert is_command(words), f"{words} is neither a command nor an option of the runners"
        options = f"runner_local.py {words}" if words.startswith("--") else words
        assert command_problems(options) == []


@pytest.mark.parametrize("item", PRACTICES, ids=[item.practice[:40] for item in PRACTICES])
def test_the_test_of_a_practice_exists(item):
    proofs = inline_code(item.test)
    assert proofs, "the row names no test"
    for proof in proofs:
        if proof.startswith("make "):
            assert command_problems(proof) == []
            continue
        found = [path for path in REPOSITORY.glob(proof) if path.is_dir() or path.name.startswith("test_")]
        assert found, f"there is no {proof}"
        assert all(path.is_file() or any(path.rglob("test_*.py")) for path in found), f"{proof} holds no test"


def test_every_table_row_is_parsed():
    assert len(PRACTICES) == PAGE.count("\n|") - 2 >= 50


def test_every_linked_page_exists():
    names = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(names) > 20
    for name in names:
        assert (REPOSITORY / "docs" / name).is_file(), name
