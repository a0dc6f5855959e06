"""A store on a server, without one: what is connected with, what keeps the password, what is said of an absent one."""

import pickle
import socket

import pytest
from absl import logging

from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import ConfigError, StepFailed
from flightline.metadata import mysql as server
from flightline.metadata.runs import Runs
from flightline.metadata.store import connection_config, has_store, store_name
from flightline.utils.diagnostics import diagnose

SECRET = "hunter2-4c1d"
VARIABLE = "FLIGHTLINE_METADATA_PASSWORD"


@pytest.fixture
def config():
    with socket.socket() as nobody:  # bound, and listens to nobody
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        settings = ("backend=mysql", f"port={port}", "database=lineage", "user=me", "connect_timeout_s=1")
        yield load_config(DEFAULT_CONFIG, tuple(f"metadata.{setting}" for setting in settings))


def test_the_pipeline_gets_the_name_of_the_password_variable_and_not_the_password(config, monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    given = connection_config(config)
    assert given.mysql.password == f"${{{VARIABLE}}}"
    assert SECRET.encode() not in pickle.dumps(given) + given.SerializeToString()
    assert server.with_password(given).mysql.password == SECRET
    assert given.mysql.password == f"${{{VARIABLE}}}"
    assert given.mysql.skip_db_creation


def test_a_file_is_left_as_it_is():
    config = load_config(DEFAULT_CONFIG)
    given = connection_config(config)
    assert server.with_password(given) is given
    assert given.sqlite.filename_uri == str(config.metadata_db) == store_name(config)


def test_no_password_in_the_environment(config, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=f"the environment variable {VARIABLE}.*is not set"):
        has_store(config)
    with pytest.raises(ConfigError, match="is not set"):
        server.with_password(connection_config(config))


def test_a_server_that_is_not_there_is_named_and_the_password_is_not(config, monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    for asked in (lambda: has_store(config), lambda: Runs.open(config), lambda: _enter(config)):
        with pytest.raises(StepFailed, match=r"the metadata store lineage at 127\.0\.0\.1:\d+ does not answer") as told:
            asked()
        assert SECRET not in str(told.value)
        assert told.value.__cause__ is None


def _enter(config):
    server.named_lock(config.metadata, "flights").__enter__()


def test_ml_metadata_does_not_log_its_connection_at_debug_level():
    before = logging.get_verbosity()
    logging.set_verbosity(logging.DEBUG)
    try:
        with server.suppress_logging():
            assert logging.get_verbosity() == logging.INFO
        assert logging.get_verbosity() == logging.DEBUG
    finally:
        logging.set_verbosity(before)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("mysql_query failed: errno: MySQL server has gone away, error: ...", "does not answer"),
        ("mysql_query failed: errno: Lost connection to MySQL server during query", "does not answer"),
        ("mysql_real_connect failed: errno: , error: ", "does not answer"),
        ("Out of range value for column 'int_value' at row 1", "cannot store integers above 2,147,483,647"),
    ],
)
def test_errors_of_ml_metadata_are_explained(words, told):
    assert told in diagnose(RuntimeError(words)).problem
