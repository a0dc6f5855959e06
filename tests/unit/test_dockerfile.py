"""The images: they cannot be built here, but what they copy and name can be held against the project."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()


def argument(name: str) -> str:
    return re.search(rf"^ARG {name}=(\S+)$", DOCKERFILE, re.MULTILINE)[1]


def test_python_is_the_project_s():
    assert argument("PYTHON_VERSION") == (ROOT / ".python-version").read_text().strip()


def test_beam_is_the_lock_s_for_that_python():
    lock = (ROOT / "requirements.lock").read_text()
    assert f"\napache-beam=={argument('BEAM_VERSION')} ; python_full_version < '3.11'" in lock


def test_what_it_copies_is_there_and_reaches_the_builder():
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / source).exists() for source in sources)
    assert set(sources) == let_in
