"""The images: they cannot be built here, but what they copy and name can be held against the project."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILES = {path.name: path.read_text() for path in (ROOT / "docker").glob("*Dockerfile")}


def argument(dockerfile: str, name: str) -> str:
    return re.search(rf"^ARG {name}=(\S+)$", DOCKERFILES[dockerfile], re.MULTILINE)[1]


def sources(dockerfile: str) -> list[str]:
    copied = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILES[dockerfile], re.MULTILINE)
    return [source for line in copied for source in line.split()[:-1]]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_python_is_the_project_s(dockerfile):
    assert argument(dockerfile, "PYTHON_VERSION") == (ROOT / ".python-version").read_text().strip()


def test_beam_is_the_lock_s_for_that_python():
    lock = (ROOT / "requirements.lock").read_text()
    assert f"\napache-beam=={argument('Dockerfile', 'BEAM_VERSION')} ; python_full_version < '3.11'" in lock


def test_what_they_copy_is_there_and_nothing_else_reaches_the_builder():
    copied = {source for dockerfile in DOCKERFILES for source in sources(dockerfile)}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)
    assert {source for source in copied if "/" not in source} == let_in
    assert all(source.split("/")[0] in let_in for source in copied)


def last_stage(dockerfile: str) -> str:
    return DOCKERFILES[dockerfile].rsplit("\nFROM ", 1)[1]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_what_runs_is_a_plain_user_of_a_known_number(dockerfile):
    stage = last_stage(dockerfile)
    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE)[-1] == "flightline"
    assert re.search(r"^RUN useradd .*--uid 1000 flightline$", stage, re.MULTILINE)
    assert stage.index("USER flightline") < stage.index("ENTRYPOINT")
    assert not re.search(r"chmod|chown|sudo|setcap", stage)


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_what_linters_of_images_ask_for(dockerfile):
    text = re.sub(r"\\\n", " ", DOCKERFILES[dockerfile])
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(":" in image and not image.endswith(":latest") for image in images)
    runs = re.findall(r"^RUN (.*)$", text, re.MULTILINE)
    assert not [run for run in runs if re.search(r"\b(curl|wget)\b|\| *(ba)?sh\b", run)]
    for run in (run for run in runs if "apt-get install" in run):
        assert "--no-install-recommends" in run
        assert "rm -rf /var/lib/apt/lists" in run
    for run in (run for run in runs if re.search(r"pip (install|sync)", run)):
        assert "--require-hashes" in run or "--no-deps" in run  # the second: the wheel that was just built
    assert not re.search(r"^ADD ", text, re.MULTILINE)
    assert not re.search(r"^(ENV|ARG) .*(PASSWORD|SECRET|TOKEN|KEY)", text, re.MULTILINE | re.IGNORECASE)
    assert re.search(r'^ENTRYPOINT \["', text, re.MULTILINE)  # signals reach the process itself


def test_the_server_s_image_ends_as_a_plain_user_and_holds_nothing_of_tfx():
    text = DOCKERFILES["serving.Dockerfile"]
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE)[-1] == "flightline"
    assert re.search(r"^RUN useradd .*--uid 1000 flightline$", text, re.MULTILINE)  # the uid that manifests run it as
    assert set(sources("serving.Dockerfile")) == {"flightline/serving/requirements.lock", "flightline/serving"}
