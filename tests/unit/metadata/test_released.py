import pytest
from stores import Recorder

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.metadata.runs import Runs
from pipeline.releases import release


@pytest.fixture
def runs(tmp_path):
    Recorder(tmp_path / "metadata.db").run("first", {"Pusher": {"state": "COMPLETE"}})
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": tmp_path, "data": {"input": "data"}}
    config = Config.model_validate(raw)
    for version in ("7", "8"):
        (config.releases / version).mkdir(parents=True)
        release(config.releases / version, {"run": "first" if version == "8" else "gone"})
    return Runs.open(config)


def test_a_release_by_version_and_the_current_one(runs):
    assert runs.release().version == "8"
    assert runs.release().current
    assert runs.release("7").version == "7"
    assert not runs.release("7").current


def test_the_run_that_made_it(runs):
    assert runs.release().run.run_id == "first"
    with pytest.raises(UsageError, match="no run gone"):
        runs.release("7").run  # noqa: B018 - reading it is what raises


def test_one_that_is_not_there_or_not_on_record_is_said(runs):
    with pytest.raises(UsageError, match="there is no release 9 of flights"):
        runs.release("9")
    with pytest.raises(UsageError, match="not on record"):
        runs.release("8").lineage()


def test_a_store_alone_does_not_know_releases(tmp_path, runs):
    with pytest.raises(UsageError, match=r"Runs\.open\(config\)"):
        Runs.open(tmp_path / "metadata.db").release()
