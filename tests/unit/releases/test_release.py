import pytest

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.registry import publish_release
from flightline.releases.release import find_release


@pytest.fixture
def config(tmp_path):
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": tmp_path, "data": {"input": "data"}}
    config = Config.model_validate(raw)
    for version in ("7", "8"):
        (config.releases / version).mkdir(parents=True)
        publish_release(config.releases / version, {"run": "first"})
    return config


def test_a_release_is_found_by_its_version_and_as_the_current_one(config):
    assert find_release(config).version == "8"
    assert find_release(config).current
    assert find_release(config, "7").version == "7"
    assert not find_release(config, "7").current


def test_a_missing_release_is_a_usage_error(config):
    with pytest.raises(UsageError, match="there is no release 9 of flights"):
        find_release(config, "9")
