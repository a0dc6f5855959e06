import importlib.metadata
import re
import zipfile
from pathlib import Path

import pytest

from scripts import job_server
from scripts.spark import bundled_spark_version

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("engine", ["flink", "spark"])
def test_the_job_server_has_the_version_of_the_locked_beam(engine):
    wanted = job_server.matching_job_server(engine)
    assert wanted.coordinates.endswith(f":{importlib.metadata.version('apache-beam')}")


@pytest.mark.parametrize("server", [job_server.matching_job_server("flink"), job_server.FALLBACK_JOB_SERVERS["flink"]])
def test_a_flink_is_locked_for_every_job_server(server):
    line = re.search(r"flink-(\d+\.\d+)", server.runner)[1]
    pins = (ROOT / "scripts" / f"flink-{line}.txt").read_text()
    assert f"apache-flink=={line}." in pins
    assert f"apache-flink-libraries=={line}." in pins


def test_the_spark_that_is_packed_is_locked():
    version = job_server.FALLBACK_JOB_SERVERS["spark"].spark
    assert f"pyspark=={version} " in (ROOT / "scripts" / f"spark-{version}.txt").read_text()


def test_the_spark_version_is_read_from_the_job_server(tmp_path):
    jar = tmp_path / "server.jar"
    with zipfile.ZipFile(jar, "w") as files:
        files.writestr("spark-version-info.properties", "user=someone\nversion=3.5.0\nrevision=1\n")
    assert bundled_spark_version(jar) == "3.5.0"


@pytest.mark.parametrize("engine", ["flink", "spark"])
def test_the_engine_finds_the_downloaded_jar(engine):
    """`flightline.engines.arguments.find_job_server_jar` globs for this name."""
    from flightline.engines.arguments import JOB_SERVER_DIR

    jar = job_server.matching_job_server(engine).jar
    assert jar.parent == JOB_SERVER_DIR
    assert jar.match(f"beam-runners-{engine}-*job-server-*.jar")


@pytest.mark.parametrize(("home", "why"), [(None, "not on PATH"), ("/nowhere", "JAVA_HOME has no bin/java")])
def test_without_java_the_error_says_how_to_get_it(monkeypatch, home, why):
    monkeypatch.setenv("PATH", "")
    if home:
        monkeypatch.setenv("JAVA_HOME", home)
    else:
        monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(job_server.ToolUnavailable, match=f"{why}.*apt-get install openjdk-17"):
        job_server.require_java()


def test_a_java_that_flink_does_not_run_on_is_refused(tmp_path, monkeypatch):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"25.0.1\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(job_server.ToolUnavailable, match="is Java 25, not one of"):
        job_server.require_java()
