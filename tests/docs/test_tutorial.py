"""The tutorial, typed as it stands. What it shows must be what there is to see, but for numbers."""

import os
import re
import subprocess

import pytest

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d[\d,.]*(-\d+)?")
VALUE = re.compile(r"=\w+")  # of a slice: which is the worst may change with the model
MARK = "@@ command"
# After `init`: whether the model answers in time is not asked here, of a machine that may be doing other things.
PATIENT = "sed -i 's/latency_ms: 100 /latency_ms: 9000 /' configs/weather.yaml"


def steps(text):
    """[(command, lines that it is shown to print), ...]"""
    found = []
    for line in "\n".join(BLOCK.findall(text)).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif line.strip() not in ("", "..."):
            found[-1][1].append(line)
    return found


def seen(line):
    """A line without what may be otherwise next time; a number that stands alone is an exit code."""
    return line.strip() if line.strip().isdigit() else " ".join(VALUE.sub("=V", NUMBER.sub("N", line)).split())


@pytest.fixture(scope="module")
def typed(root, tmp_path_factory):
    """What each command printed, in a folder that has the environment and the runner as the checkout does."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "data").mkdir()
    for name in (".venv", "runner_local.py"):
        (folder / name).symlink_to(root / name)
    tutorial = steps((root / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    script = "".join(
        f'code=$?; echo "{MARK}"; (exit $code)\n{command}\n' + (f"{PATIENT}\n" if " init " in command else "")
        for command, _ in tutorial
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(
        ["/bin/sh", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    printed = ended.stdout.split(f"{MARK}\n")[1:]
    assert len(printed) == len(tutorial)
    return folder, [(command, shown, text) for (command, shown), text in zip(tutorial, printed, strict=True)]


def test_the_tutorial_shows_the_printed_output(typed):
    for command, shown, printed in typed[1]:
        there = {seen(line) for line in printed.splitlines()}
        for line in shown:
            assert seen(line) in there, f"$ {command}\nprints no line like\n{line}\nbut\n{printed}"


def test_the_tutorial_leaves_the_described_files(typed):
    folder, said = typed
    printed = {command: text for command, _, text in said}
    runs = next(text for command, text in printed.items() if "flightline runs" in command)
    assert len([line for line in runs.splitlines() if re.match(r"\d{8}-", line)]) == 3
    assert len(list((folder / "workspace" / "releases" / "weather").glob("1*"))) == 1
    assert (folder / "workspace" / "index.html").is_file()
    assert (folder / "scored" / "predictions.parquet").is_file()
