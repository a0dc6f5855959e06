import pytest
from run_store import RunRecorder

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.runs import Runs
from flightline.releases.registry import publish_release
from flightline.releases.release import find_release


@pytest.fixture
def runs(tmp_path):
    RunRecorder(tmp_path / "metadata.db").run("first", {"Pusher": {"state": "COMPLETE"}})
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": tmp_path, "data": {"input": "data"}}
    config = Config.model_validate(raw)
    for version in ("7", "8"):
        (config.releases / version).mkdir(parents=True)
        publish_release(config.releases / version, {"run": "first" if version == "8" else "gone"})
    return Runs.open(config), config


def test_a_release_is_found_by_version_or_as_the_current_one(runs):
    assert find_release(*runs).version == "8"
    assert find_release(*runs).current
    assert find_release(*runs, "7").version == "7"
    assert not find_release(*runs, "7").current


def test_a_release_knows_its_run(runs):
    assert find_release(*runs).run.run_id == "first"
    with pytest.raises(UsageError, match="no run gone"):
        find_release(*runs, "7").run  # noqa: B018 - reading it is what raises


def test_an_unknown_release_and_a_missing_lineage_are_errors(runs):
    with pytest.raises(UsageError, match="there is no release 9 of flights"):
        find_release(*runs, "9")
    with pytest.raises(UsageError, match="has no release 8"):
        find_release(*runs, "8").lineage()
