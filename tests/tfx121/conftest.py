"""The same sample through the whole DAG on both stacks: this environment's, and TFX 1.21's in its Debian root."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pipeline_runs import Result, run_pipeline, runner_command
from preloaded_python import TIMEOUT_S

from flightline.releases.release import current_version
from scripts.tfx121 import ensure_tfx121_root
from scripts.tfx121_root import chroot_command

PYTHON = ".venv/bin/python"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both stacks see, under the same name."""
    return tmp_path_factory.mktemp("both")


@pytest.fixture(scope="session")
def run_on_tfx121(folder: Path, flights_sample: Path):
    """`run_on_tfx121(*words)` → the ended command, run by Python on the other stack."""
    ensure_tfx121_root()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = chroot_command(PYTHON, *words, binds=[folder, flights_sample])
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)

    return run


@pytest.fixture(scope="session")
def here(folder: Path, flights_sample: Path) -> Result:
    """One whole run in this environment."""
    result = run_pipeline(folder / "here", flights_sample, "first")
    assert result.code == 0, result.err
    return result


@pytest.fixture(scope="session")
def there(folder: Path, flights_sample: Path, run_on_tfx121) -> Result:
    """The same run on TFX 1.21."""
    workspace = folder / "there"
    ended = run_on_tfx121(*runner_command(workspace, flights_sample, "first"))
    assert ended.returncode == 0, ended.stderr
    current = current_version(workspace / "releases" / "flights")
    return Result(ended.returncode, ended.stdout, ended.stderr, workspace, "first", current)
