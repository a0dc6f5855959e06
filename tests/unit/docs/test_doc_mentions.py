"""The commands, options, config keys, files and Python names in the documents exist."""

import re

import pytest
import yaml
from doc_mentions import (
    command_candidates,
    command_problems,
    is_config_key,
    mentioned_files,
    mentioned_python_names,
)

from scripts.docs.source import BENCHMARK_FILES, assemble_source, generate_pages
from scripts.repository import REPOSITORY

DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
ids = [path.name for path in DOCUMENTS]


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_mentioned_command_option_and_key_exists(path):
    wrong = {
        words: found
        for words in command_candidates(path.read_text(encoding="utf-8"))
        if (found := command_problems(words))
    }
    assert wrong == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_mentioned_file_exists(path):
    assert [name for name, there in mentioned_files(path.read_text(encoding="utf-8")) if not there] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_mentioned_python_name_exists(path):
    assert [name for name, there in mentioned_python_names(path.read_text(encoding="utf-8")) if not there] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_linked_file_exists(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_mentions_of_missing_files_and_names_are_detected():
    text = "`flightline/nothing.py` `flightline.nothing` `flightline.errors.Nothing` `flightline/errors.py`"
    assert [name for name, there in mentioned_files(text) if not there] == ["flightline/nothing.py"]
    missing = [name for name, there in mentioned_python_names(f"{text} `flightline.errors.UsageError`") if not there]
    assert missing == ["flightline.nothing", "flightline.errors.Nothing"]


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
def test_a_mention_of_an_unknown_command_option_or_key_is_detected(words, wrong):
    assert command_problems(words) == [wrong]


@pytest.mark.parametrize(
    "key", ["evaluation.thresholds.AUC.lower", "data.splits.train", "steps.overrides.Trainer.retries"]
)
def test_keys_below_a_mapping_are_accepted(key):
    assert is_config_key(key)
    assert not is_config_key(f"{key}x.y") or key == "data.splits.train"


def pages_in(nav):
    for entry in nav.values() if isinstance(nav, dict) else nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from pages_in(entry)


def test_the_navigation_lists_exactly_the_pages_of_the_site(tmp_path):
    assemble_source(tmp_path / "source")
    there = {str(path.relative_to(tmp_path / "source")) for path in (tmp_path / "source").rglob("*.md")}
    nav = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(pages_in(nav)) == sorted(there)


def test_the_site_contains_the_documents_and_the_generated_pages(tmp_path):
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


def test_the_serving_page_shows_the_numbers_of_the_benchmark():
    page = (REPOSITORY / "docs" / "serving.md").read_text(encoding="utf-8")
    measured = re.findall(
        r"^\| Flightline (\|.*)$", (REPOSITORY / "benchmarks" / "serving.md").read_text(), re.MULTILINE
    )
    assert len(measured) == 4
    assert [row for row in measured if row not in page] == []


def test_claims_about_quality_equal_the_benchmark():
    benchmark = (REPOSITORY / "benchmarks" / "quality.md").read_text(encoding="utf-8")
    better, tables = re.search(r"^(\d+) of (\d+) better than boosting", benchmark, re.MULTILINE).groups()
    assert len(re.findall(r"^\| \w+ \| [\d,]+ \|", benchmark, re.MULTILINE)) == int(tables)
    for name in ("README.md", "CHANGELOG.md", "docs/your-data.md"):
        text = " ".join((REPOSITORY / name).read_text(encoding="utf-8").split())
        claims = re.findall(r"\b(\d+) (?:of (?:the )?)?(\d+ )?tables", text)
        assert claims, name
        assert {number.strip() for claim in claims for number in claim if number} <= {better, tables}, name


def quoted_messages(page):
    """The fixed parts of the messages in the first column of the page's tables of errors."""
    for section in re.findall(r"^## Error(?: message)?s$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL):
        for cell in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE):
            for message in re.findall(r"`([^`]+)`", cell):
                yield from (part for part in re.split(r" ?(?:\.\.\.|\b[A-Z]+\b|:)+ ?", message) if len(part) > 5)


@pytest.mark.parametrize("name", ["recovery.md", "metadata-store.md"])
def test_quoted_error_messages_exist_in_the_code(name):
    code = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "flightline").rglob("*.py"))
    messages = list(quoted_messages((REPOSITORY / "docs" / name).read_text(encoding="utf-8")))
    assert len(messages) > 4
    assert [message for message in messages if message not in code] == []
