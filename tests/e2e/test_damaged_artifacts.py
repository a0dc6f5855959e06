"""Files that changed after they were recorded: named, never read or reused in silence, and made again."""

import json
import shutil
from pathlib import Path

import pytest

from flightline.releases.release import current_version


@pytest.fixture
def copied(trained):
    """The shared workspace, and afterwards its files as they were."""
    kept = trained.workspace.with_name("kept")
    shutil.copytree(trained.workspace, kept, symlinks=True)
    yield trained
    shutil.rmtree(trained.workspace)
    kept.rename(trained.workspace)


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def reverse_lines(file: Path) -> None:
    file.write_text("\n".join(reversed(file.read_text().splitlines())) + "\n")


def test_a_damaged_split_and_a_damaged_release_are_named_and_made_again(copied, run, command, flights_sample):
    workspace = copied.workspace
    split = next(Path(copied.steps["Transform"].output("transformed_examples").uri).glob("Split-train/*"))
    rows = sorted(split.parent.parent.rglob("*.gz"))
    assert command(workspace, "verify").returncode == 0
    cut_in_half(split)
    release = workspace / "releases" / "flights" / copied.current
    reverse_lines(next((release / "assets").iterdir()))

    verified = command(workspace, "verify", "--json")
    damaged = {item["kind"]: item["damage"] for item in json.loads(verified.stdout) if item["damage"]}
    assert verified.returncode == 1
    assert set(damaged) == {"Examples", "release"}
    assert split.name in damaged["Examples"][0]
    assert command(workspace, "verify", copied.run_id).returncode == 1
    assert command(workspace, "verify", "current").returncode == 1
    assert "damaged" in command(workspace, "releases").stdout
    assert command(workspace, "audit", "--verify").returncode == 1

    result = run(workspace, flights_sample, "repaired")
    assert result.code == 0, result.err
    assert "is damaged" in result.out
    assert "it is made again" in result.out
    assert result.steps["Transform"].state == "COMPLETE"
    assert result.steps["Trainer"].state == "CACHED"  # what Transform made is what it had made before
    assert current_version(workspace / "releases" / "flights") != copied.current
    made = Path(result.steps["Transform"].output("transformed_examples").uri)
    assert len(sorted(made.rglob("*.gz"))) == len(rows)
    assert command(workspace, "verify", "repaired").returncode == 0
    assert command(workspace, "verify", "current").returncode == 0


def test_a_step_does_not_read_a_damaged_input(copied, run, flights_sample):
    graph = Path(copied.steps["Transform"].output("transform_graph").uri)
    reverse_lines(next(graph.glob("transform_fn/assets/*")))
    result = run(copied.workspace, flights_sample, "partial", "--from", "Trainer", "--no-cache")
    assert result.code == 1
    assert "Trainer cannot read its input: the TransformGraph" in result.last_line
    assert "run again without --from" in result.last_line


def test_a_lost_store_is_refused_and_rebuilt(copied, run, command, flights_sample):
    store = copied.workspace / "metadata.db"
    lineage = command(copied.workspace, "lineage", "release:current", "--json").stdout
    store.rename(store.with_name("lost.db"))
    refused = run(copied.workspace, flights_sample, "refused")
    assert refused.code == 2
    assert "flightline recover" in refused.last_line
    assert not store.exists()
    assert not refused.folder.exists()
    recovered = command(copied.workspace, "recover")
    assert recovered.returncode == 0, recovered.stderr
    assert json.loads(command(copied.workspace, "lineage", "release:current", "--json").stdout) == json.loads(lineage)
    again = run(copied.workspace, flights_sample, "again-recovered", "--to", "Trainer")
    assert again.code == 0, again.err
    assert again.steps["Trainer"].state == "CACHED"
