"""Downloads Beam's job server for an engine from Maven Central into the cache, where `--engine` looks for it.

The jar has the version of the locked Beam. Some mirrors of Maven Central have only part of Beam: if the finished jar is
missing, an older job server is assembled from the published parts of its runner. Python pipelines talk to a job server
in Beam's portability protocol, which is stable across releases.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.tool_environment import EXIT_UNAVAILABLE

ENGINES_DIR = Path(".cache/engines")
JAVA_VERSIONS = (11, 17)
POM = Path(__file__).with_name("job_server.pom.xml")


class ToolUnavailable(Exception):
    """A tool is not available on this machine; the message names it and says how to get it."""

    exit_code = EXIT_UNAVAILABLE


@dataclass(frozen=True)
class JobServer:
    """A job server by its Maven coordinates.

    Attributes:
        runner: artifact of the runner, without `-job-server`.
        beam: its version.
        driver: its main class.
        spark: the version of Spark to pack with it when it is assembled; its runner does not contain one.
    """

    runner: str
    beam: str
    driver: str
    spark: str | None = None

    @property
    def coordinates(self) -> str:
        return f"org.apache.beam:{self.runner}-job-server:{self.beam}"

    @property
    def jar(self) -> Path:
        return ENGINES_DIR / f"{self.runner}-job-server-{self.beam}.jar"


_FLINK_DRIVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_SPARK_DRIVER = "org.apache.beam.runners.spark.SparkJobServerDriver"
FALLBACK_JOB_SERVERS = {
    "flink": JobServer("beam-runners-flink-1.19", "2.62.0", _FLINK_DRIVER),
    "spark": JobServer("beam-runners-spark-3", "2.62.0", _SPARK_DRIVER, spark="3.5.0"),
}


def matching_job_server(engine: str) -> JobServer:
    """The job server of the installed Beam, which is the locked version."""
    runners = {"flink": ("beam-runners-flink-1.20", _FLINK_DRIVER), "spark": ("beam-runners-spark-3", _SPARK_DRIVER)}
    runner, driver = runners[engine]
    return JobServer(runner, importlib.metadata.version("apache-beam"), driver)


def ensure_job_server(engine: str) -> JobServer:
    """The job server in the cache, downloaded if it is missing.

    Raises:
        ToolUnavailable: there is no Java or no Maven, or neither the jar nor its parts can be downloaded.
    """
    require_java()
    matching, older = matching_job_server(engine), FALLBACK_JOB_SERVERS[engine]
    for known in (matching, older):
        if known.jar.is_file():
            return known
    ENGINES_DIR.mkdir(parents=True, exist_ok=True)
    for stale in ENGINES_DIR.glob(f"{matching.runner.rpartition('-')[0]}-*job-server-*.jar"):
        stale.unlink()  # of a Beam that was locked earlier
    print(f"Downloading {matching.coordinates}", flush=True)
    refusal = _download_jar(matching)
    if refusal is None:
        return matching
    print(f"  {refusal}\nAssembling the job server of Beam {older.beam} ({older.runner}) instead", flush=True)
    problem = _assemble_jar(older)
    if problem:
        parts = f"the parts of {older.coordinates} are missing: {problem}"
        raise ToolUnavailable(f"no job server for {engine}: {refusal}; and {parts}")
    return older


def require_java() -> None:
    """Raises ToolUnavailable where there is no Java that Flink and Spark run on."""
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    get = f"Get Java {JAVA_VERSIONS[-1]}: apt-get install openjdk-{JAVA_VERSIONS[-1]}-jre-headless, or set JAVA_HOME"
    if not java or not Path(java).is_file():
        raise ToolUnavailable(f"no Java: {'JAVA_HOME has no bin/java' if home else 'it is not on PATH'}. {get}")
    version_text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', version_text)
    if not version or int(version[1]) not in JAVA_VERSIONS:
        raise ToolUnavailable(f"{java} is Java {version[1] if version else '?'}, not one of {JAVA_VERSIONS}. {get}")


def _download_jar(wanted: JobServer) -> str | None:
    """Download the finished jar into the cache; returns the reason if that fails, else None."""
    refusal = _run_maven(f"-Dartifact={wanted.coordinates}", "-Dtransitive=false", "dependency:get")
    if refusal is None:
        folder = f"-DoutputDirectory={ENGINES_DIR.resolve()}"
        refusal = _run_maven(
            f"-Dartifact={wanted.coordinates}", folder, "-Dmdep.useBaseVersion=true", "dependency:copy"
        )
    return refusal


def _assemble_jar(wanted: JobServer) -> str | None:
    """Pack the runner and its dependencies into one jar; returns the reason if that fails, else None."""
    target = (ENGINES_DIR / "assembled").resolve()
    values = {"runner": wanted.runner, "beam": wanted.beam, "driver": wanted.driver, "target": target}
    if wanted.spark:
        values["spark"] = wanted.spark
    problem = _run_maven("-f", str(POM), *(f"-D{name}={value}" for name, value in values.items()), "package")
    if problem is None:
        (target / wanted.jar.name).replace(wanted.jar)
    shutil.rmtree(target, ignore_errors=True)
    return problem


def _run_maven(*arguments: str) -> str | None:
    """Run Maven; returns its first error message if it fails, else None."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolUnavailable("no Maven, which downloads Beam's job server. Get it with: apt-get install maven")
    done = subprocess.run(
        [maven, "-B", "-q", "-U", "-Dstyle.color=never", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return None
    errors = re.findall(r"\[ERROR\] (\S.*)", done.stdout) or [done.stdout + done.stderr]
    return errors[0].split(" -> [Help")[0].rpartition("artifact: ")[2][:400]


def main() -> int:
    """`python -m scripts.job_server ENGINE`: prints the jar's path."""
    try:
        print(ensure_job_server(sys.argv[1]).jar)
    except ToolUnavailable as problem:
        print(f"flightline: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
