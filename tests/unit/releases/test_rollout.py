"""Canary and shadow releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flightline.errors import UsageError
from flightline.releases.registry import publish_release
from flightline.releases.rollout import set_canary, set_shadow
from flightline.serving.rollout_files import DesiredReleases, read_desired_releases


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "releases" / "flights"
    for version in ("1", "2"):
        (folder / version).mkdir(parents=True)
        publish_release(folder / version, {})
    return folder


def test_the_server_reads_the_rollout_files(folder):
    set_canary(folder, "1", 0.25)
    set_shadow(folder, "1")
    assert read_desired_releases(folder) == DesiredReleases("2", "1", 0.25, "1")
    set_canary(folder, None, 0.0)
    set_shadow(folder, None)
    assert read_desired_releases(folder) == DesiredReleases("2")


@pytest.mark.parametrize(("version", "traffic_share"), [("3", 0.1), ("2", 0.1), ("1", 0.0), ("1", 1.0), ("../x", 0.1)])
def test_an_invalid_canary_is_rejected(folder, version, traffic_share):
    with pytest.raises(UsageError):
        set_canary(folder, version, traffic_share)
    assert not (folder / "CANARY").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version": "1"}', '{"version": "1", "traffic_share": "x"}', "null"]
)
def test_an_invalid_canary_file_is_ignored(folder, text):
    (folder / "CANARY").write_text(text)
    assert read_desired_releases(folder) == DesiredReleases("2")


def test_the_traffic_share_is_clipped_to_one(folder):
    (folder / "CANARY").write_text(json.dumps({"version": "1", "traffic_share": 7}))
    assert read_desired_releases(folder).traffic_share == 1.0


def test_rollout_commands_are_recorded_in_the_audit_log(folder, tmp_path):
    from typer.testing import CliRunner

    from flightline.cli.main import app
    from flightline.releases import audit_log

    config = tmp_path / "config.yaml"
    config.write_text(
        Path("configs/flights.yaml").read_text().replace("workspace: workspace", f"workspace: {tmp_path}")
    )
    for arguments in (["canary", "1", "--traffic-share", "0.2"], ["shadow", "1"], ["canary"], ["shadow"]):
        result = CliRunner().invoke(app, [*arguments, "--config", str(config)])
        assert result.exit_code == 0, result.output
    events = [(entry.event, entry.facts.get("release")) for entry in audit_log.verify(tmp_path)]
    assert events == [("canary started", "1"), ("shadow started", "1"), ("canary ended", None), ("shadow ended", None)]
    assert read_desired_releases(folder) == DesiredReleases("2")
