"""Passwords and tokens: refused in a config, masked in what is shown and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.config.loader import load_config
from flightline.errors import ConfigError, StepFailed, is_secret_name, mask_credentials, summarize_error
from flightline.releases import audit_log
from flightline.runs.process.error_boundary import error_boundary

SECRET = "hunter2secret"
CONFIG = Path("configs/flights.yaml")
REFUSED = [
    f"monitoring.webhook=https://me:{SECRET}@hooks.example/x",
    f"monitoring.webhook=https://hooks.example/x?token={SECRET}",
    f"monitoring.webhook=ftp://me:{SECRET}@hooks.example/x",
    f"tracking.mlflow=https://me:{SECRET}@mlflow.example",
    f"tracking.mlflow=postgresql://me:{SECRET}@db.example/mlflow",
    f"engines.flink.master=me:{SECRET}@flink.example:8081",
    f"engines.spark.master=spark://me:{SECRET}@spark.example:7077",
    f"engines.spark.properties={{spark.hadoop.fs.s3a.secret.key: {SECRET}}}",
    f"engines.beam_arguments=[--s3_secret_access_key={SECRET}]",
    f"engines.dataflow.image=me:{SECRET}@registry.example:5000/image",
    f"pipeline_root=hdfs://me:{SECRET}@namenode/flightline",
    f"data.input=s3://me:{SECRET}@bucket/flights",
    f"model_card.contact=https://{SECRET}@wiki.example/flights",
    f"metadata.host=mysql://me:{SECRET}@db",
]


@pytest.mark.parametrize("override", REFUSED)
def test_a_config_with_credentials_is_refused_without_showing_them(override):
    with pytest.raises(ConfigError) as error:
        load_config(CONFIG, [override])
    assert SECRET not in str(error.value)
    assert override.partition("=")[0] in str(error.value)
    ended = CliRunner().invoke(app, ["runs", "--config", str(CONFIG), "--set", override])
    assert ended.exit_code == 2
    assert SECRET not in ended.output + ended.stderr


@pytest.mark.parametrize(
    "override",
    [
        "monitoring.webhook=https://hooks.example:8443/x?channel=ops",
        "pipeline_root=abfss://container@account.dfs.core.windows.net/flightline",
        "pipeline_root=gs://bucket/a:b@c",
        "model_card.contact=mailto:me@example.com",
        "engines.spark.properties={spark.executor.memory: 4g}",
        "engines.beam_arguments=[--experiments=use_runner_v2]",
    ],
)
def test_an_address_without_credentials_is_accepted(override):
    load_config(CONFIG, [override])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("cannot open mysql://u:p@ss@db:3306/x now", "cannot open mysql://***@db:3306/x now"),
        ("https://u:p/w@host/x", "https://***@host/x"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("GET https://h/x?a=1&access_token=abc&b=2", "GET https://h/x?a=1&access_token=***&b=2"),
        ("https://b.example/x?X-Amz-Signature=ab&X-Amz-Date=1", "https://b.example/x?X-Amz-Signature=***&X-Amz-Date=1"),
        ("me:pw@flink:8081", "***@flink:8081"),
        ("at 12:30 mail me@example.com:", "at 12:30 mail me@example.com:"),
    ],
)
def test_what_is_masked(text, masked):
    assert mask_credentials(text) == masked
    assert mask_credentials(masked) == masked


@pytest.mark.parametrize(
    ("name", "secret"),
    [("--password", True), ("spark.ssl.keyPassword", True), ("password_env", False), ("memory", False)],
)
def test_names_of_secrets(name, secret):
    assert is_secret_name(name) is secret


def test_errors_the_log_and_the_audit_log_mask_credentials(tmp_path, capsys):
    text = f"cannot reach https://me:{SECRET}@host/x?token={SECRET}"
    assert SECRET not in summarize_error(OSError(text))
    assert SECRET not in str(StepFailed(text, text))
    with error_boundary() as caught:
        raise OSError(text)
    assert SECRET not in str(caught.error) + capsys.readouterr().err
    entry = audit_log.record(tmp_path, "promoted", reason=text)
    assert entry.facts["reason"] == "cannot reach https://***@host/x?token=***"
    assert SECRET not in json.dumps(entry.facts) + (tmp_path / audit_log.LOG_FILE).read_text()
    audit_log.verify(tmp_path)
