"""The `metadata:` section: which values are refused; a password in it never appears in an error."""

import pytest

from flightline.config.loader import DEFAULT_CONFIG, dump_config, load_config
from flightline.errors import ConfigError

SERVER = ("metadata.backend=mysql", "metadata.database=lineage", "metadata.user=me")
SECRET = "hunter2-4c1d"


def test_sqlite_is_the_default_backend():
    config = load_config(DEFAULT_CONFIG)
    assert not config.metadata.uses_server
    assert config.metadata_db.name == "metadata.db"


@pytest.mark.parametrize("backend", ["mysql", "mariadb"])
def test_mysql_and_mariadb_servers_are_accepted(backend):
    config = load_config(DEFAULT_CONFIG, (*SERVER, f"metadata.backend={backend}", "metadata.host=localhost"))
    assert config.metadata.uses_server
    assert config.metadata.display_name == "lineage at localhost:3306"
    assert config.metadata.address == "127.0.0.1"
    assert "password_env: FLIGHTLINE_METADATA_PASSWORD" in dump_config(config)


@pytest.mark.parametrize("backend", ["postgresql", "postgres", "PostgreSQL"])
def test_postgresql_is_refused_with_the_reason(backend):
    with pytest.raises(ConfigError, match="cannot be written to PostgreSQL"):
        load_config(DEFAULT_CONFIG, (*SERVER, f"metadata.backend={backend}"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("metadata.database=''",), "database is missing"),
        (("metadata.user=''",), "user is missing"),
        ((f"metadata.host=me:{SECRET}@db.example",), r"metadata\.host"),
        ((f"metadata.host=mysql://db.example/{SECRET}",), r"metadata\.host"),
        ((f"metadata.password_env={SECRET}",), r"metadata\.password_env"),
        ((f"metadata.password={SECRET}",), r"unknown key metadata\.password: did you mean password_env"),
        ((f"metadata=mysql://me:{SECRET}@db.example/lineage",), "metadata"),
        ((f"metadata.database=lineage?password={SECRET}",), r"metadata\.database"),
        (("metadata.port=0",), r"metadata\.port"),
    ],
)
def test_errors_do_not_contain_the_refused_value(overrides, message):
    with pytest.raises(ConfigError, match=message) as refused:
        load_config(DEFAULT_CONFIG, (*SERVER, *overrides) if "metadata=" not in overrides[0] else overrides)
    assert SECRET not in str(refused.value)
