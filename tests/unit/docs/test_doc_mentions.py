"""What the documents say that there is, there is."""

import re

import pytest
import yaml
from doc_mentions import command_candidates, command_problems, is_config_key, mentioned_files

from scripts.docs.source import BENCHMARK_FILES, assemble_source, generate_pages
from scripts.repository import REPOSITORY

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
ids = [path.name for path in DOCUMENTS]


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_command_option_and_key_exists(path):
    wrong = {
        words: found
        for words in command_candidates(path.read_text(encoding="utf-8"))
        if (found := command_problems(words))
    }
    assert wrong == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_file_of_the_project_that_is_named_exists(path):
    assert [name for name, there in mentioned_files(path.read_text(encoding="utf-8")) if not there] == []


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("make rn", "there is no make target rn"),
        ("cd x && make rn", "there is no make target rn"),
        (".venv/bin/flightline shwo latest", "there is no command flightline shwo latest"),
        ("flightline gc --keeep 5", "flightline gc has no option --keeep"),
        ("flightline schema accept --rason x", "flightline schema accept has no option --rason"),
        ("runner_local.py --all-old", "runner_local.py has no option --all-old"),
        ("runner_local.py --set train.epoch=3", "there is no config key train.epoch"),
        (".venv/bin/python -m scripts.nothing x", "there is no module scripts.nothing"),
    ],
)
def test_what_does_not_exist_is_found(words, wrong):
    assert command_problems(words) == [wrong]


@pytest.mark.parametrize(
    "key", ["evaluation.thresholds.AUC.lower", "data.splits.train", "steps.overrides.Trainer.retries"]
)
def test_keys_below_names_are_known(key):
    assert is_config_key(key)
    assert not is_config_key(f"{key}x.y") or key == "data.splits.train"


def pages_in(nav):
    for entry in nav.values() if isinstance(nav, dict) else nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from pages_in(entry)


def test_every_page_is_in_the_navigation_and_the_navigation_has_no_other(tmp_path):
    assemble_source(tmp_path / "source")
    there = {str(path.relative_to(tmp_path / "source")) for path in (tmp_path / "source").rglob("*.md")}
    nav = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(pages_in(nav)) == sorted(there)


def test_what_is_gathered_is_the_documents_and_what_is_made_of_the_code(tmp_path):
    target = tmp_path / "source"
    target.mkdir()
    (target / "left.md").touch()
    assemble_source(target)
    assert not (target / "left.md").exists()
    for name, text in generate_pages().items():
        assert (target / name).read_text(encoding="utf-8") == text
    assert {path.name for path in (target / "benchmarks").iterdir()} == set(BENCHMARK_FILES)
    assert not re.search(r"\]\(\.\./", "".join(path.read_text() for path in target.glob("*.md")))


def test_every_benchmark_that_a_page_links_to_is_in_the_site():
    linked = {
        name
        for page in (REPOSITORY / "docs").glob("*.md")
        for name in re.findall(r"\]\(\.\./benchmarks/([^)#]+)", page.read_text())
    }
    assert linked
    assert linked <= set(BENCHMARK_FILES)
