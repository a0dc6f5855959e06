"""What a server does to a run: absent, refusing, of a kind that loses data, gone in the middle. One line each."""

import os
import signal
import subprocess
import sys
import time

import pytest
from cluster_runs import free_port
from kill_and_resume import content_digests
from pipeline_runs import LENIENT_SETTINGS, ROOT, run_pipeline, start_pipeline

from scripts.mariadb_server import PASSWORD_ENV, MariaDB, running_server

WRONG = "not-the-password-8e1f"
TO_GATE = ("--to", "DataGate")


def settings(server, database="flightline", **others):
    return (
        *LENIENT_SETTINGS,
        *server.settings(database),
        *(f"metadata.{key}={value}" for key, value in others.items()),
    )


def said(result):
    """The last line, which is the only one."""
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert "Traceback" not in result.out + result.err
    return result.last_line


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        ("a wrong password", 2, "refuses the user flightline: Access denied"),
        ("no password", 2, f"the environment variable {PASSWORD_ENV}"),
        ("no server", 1, "does not answer: Can't connect"),
        ("no such database", 2, "refuses the user flightline: Access denied"),
        (
            "a database that folds case",
            2,
            "has the collation latin1_swedish_ci: runs whose names differ only in case would be mixed up",
        ),
    ],
)
def test_an_unusable_server_is_refused_before_the_run_starts(
    server, month, tmp_path, monkeypatch, trouble, code, words
):
    asked = settings(server)
    if trouble == "a wrong password":
        monkeypatch.setenv(PASSWORD_ENV, WRONG)
    elif trouble == "no password":
        monkeypatch.delenv(PASSWORD_ENV)
    elif trouble == "no server":
        asked = settings(server, port=free_port())
    elif trouble == "no such database":
        asked = settings(server, "absent")
    else:
        asked = settings(server, server.add_database("latin", "CREATE DATABASE {} CHARACTER SET latin1"))
    workspace = tmp_path / "workspace"
    refused = run_pipeline(workspace, month, "refused", *TO_GATE, settings=asked)
    assert refused.code == code
    assert words in said(refused)
    assert WRONG not in refused.out + refused.err
    assert not workspace.exists()

    config = tmp_path / "config.yaml"
    lines = [
        "metadata:",
        *(f"  {line.removeprefix('metadata.').replace('=', ': ')}" for line in asked if "metadata" in line),
    ]
    config.write_text("\n".join([(ROOT / "configs" / "flights.yaml").read_text(), *dict.fromkeys(lines)]))
    command = [sys.executable, "-c", "from flightline.cli.main import main; main()", "runs", "--config", str(config)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if trouble != "no server":  # the port is there twice in its settings, which YAML does not take
        assert told.returncode == code
        assert words in told.stderr
        assert len(told.stderr.strip().splitlines()) == 1
        assert WRONG not in told.stdout + told.stderr


def test_a_run_whose_metadata_server_dies_fails_with_one_message(home, month, local, tmp_path, monkeypatch):
    """As with a machine that goes down: SIGKILL. The run ends, and goes on when the server is there again."""
    with running_server(MariaDB(home, tmp_path / "server", free_port())) as server:
        monkeypatch.setenv(PASSWORD_ENV, server.password)
        workspace = tmp_path / "workspace"
        process = start_pipeline(workspace, month, "dies", *TO_GATE, settings=settings(server))
        for line in process.stdout:
            if "StatisticsGen: running" in line:
                while not server.sql("SELECT id FROM flightline.Execution WHERE last_known_state = 2"):
                    time.sleep(0.01)  # until it is on record as begun
                server.stop(signal.SIGKILL)
                break
        out, err = process.communicate(timeout=300)
        assert process.returncode == 1
        assert len(err.strip().splitlines()) == 1
        assert "the metadata store flightline at 127.0.0.1:" in err
        assert "does not answer" in err
        assert "--resume" in err
        assert "Traceback" not in out + err
        assert server.password not in out + err
        server.start()
        resumed = run_pipeline(workspace, month, None, "--resume", settings=())
        assert resumed.code == 0, resumed.err
        assert "StatisticsGen of run dies was interrupted: marked as abandoned" in resumed.out
        [folder] = [path for path in (workspace / "runs").iterdir() if path.name != "dies"]
        whole = content_digests(local)
        found = content_digests(type(local)(0, "", "", workspace, folder.name, None))
        assert found == {name: whole[name] for name in found}
        assert {"ExampleGen.examples", "StatisticsGen.statistics", "DataGate.verdict"} <= found.keys()
        states = server.sql("SELECT last_known_state, COUNT(*) FROM flightline.Execution GROUP BY 1")
        assert 2 not in dict(states), "a step is left as running"
        secret = server.password.encode()
        files = [path for path in workspace.rglob("*") if path.is_file()]
        assert [str(path) for path in files if secret in path.read_bytes()] == []


def test_the_environment_is_unchanged(server):
    assert os.environ[PASSWORD_ENV] == server.password
