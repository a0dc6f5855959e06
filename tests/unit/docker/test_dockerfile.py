"""The Dockerfiles agree with the repository: no image is built here."""

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


def test_workers_use_the_python_that_setup_prefers_on_a_new_glibc():
    setup = (ROOT / "scripts" / "setup.sh").read_text()
    versions = re.search(r'is_new_glibc; then versions="([^"]+)"', setup)[1].split()
    assert argument("Dockerfile", "PYTHON_VERSION") == versions[0]


def test_the_server_uses_a_python_that_its_setup_script_supports():
    supported = re.search(r"^for version in ([\d. ]+);", (ROOT / "scripts" / "serving.sh").read_text(), re.MULTILINE)
    assert argument("serving.Dockerfile", "PYTHON_VERSION") == supported[1].split()[0]


def test_workers_use_the_beam_version_of_the_lock():
    lock = (ROOT / "requirements.lock").read_text()
    assert f"\napache-beam=={argument('Dockerfile', 'BEAM_VERSION')} ; python_full_version >= '3.11'" in lock


def test_copied_files_exist_and_dockerignore_allows_only_them():
    copied = {source for dockerfile in DOCKERFILES for source in sources(dockerfile)}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)
    assert {source for source in copied if "/" not in source} == allowed
    assert all(source.split("/")[0] in allowed for source in copied)


def last_stage(dockerfile: str) -> str:
    return DOCKERFILES[dockerfile].rsplit("\nFROM ", 1)[1]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_an_image_runs_as_an_unprivileged_user_with_a_fixed_id(dockerfile):
    stage = last_stage(dockerfile)
    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE)[-1] == "flightline"
    assert re.search(r"^RUN useradd .*--uid 1000 flightline$", stage, re.MULTILINE)
    assert stage.index("USER flightline") < stage.index("ENTRYPOINT")
    assert not re.search(r"chmod|chown|sudo|setcap", stage)


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_dockerfiles_follow_the_rules_of_linters(dockerfile):
    text = re.sub(r"\\\n", " ", DOCKERFILES[dockerfile])
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(":" in image and not image.endswith(":latest") for image in images)
    runs = re.findall(r"^RUN (.*)$", text, re.MULTILINE)
    assert not [run for run in runs if re.search(r"\b(curl|wget)\b|\| *(ba)?sh\b", run)]
    for run in (run for run in runs if "apt-get install" in run):
        assert "--no-install-recommends" in run
        assert "rm -rf /var/lib/apt/lists" in run
    for run in (run for run in runs if re.search(r"pip (install|sync)", run)):
        assert "--require-hashes" in run or "--no-deps" in run  # the latter: our own packages
    assert not re.search(r"^ADD ", text, re.MULTILINE)
    assert not re.search(r"^(ENV|ARG) .*(PASSWORD|SECRET|TOKEN|KEY)", text, re.MULTILINE | re.IGNORECASE)
    assert re.search(r'^ENTRYPOINT \["', text, re.MULTILINE)  # signals reach the process itself


def test_the_server_image_runs_unprivileged_and_contains_only_the_serving_package():
    text = DOCKERFILES["serving.Dockerfile"]
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE)[-1] == "flightline"
    assert re.search(r"^RUN useradd .*--uid 1000 flightline$", text, re.MULTILINE)  # the uid that manifests run it as
    assert set(sources("serving.Dockerfile")) == {"flightline/serving/requirements.lock", "flightline/serving"}
