"""Restore the inputs of a run: config, schema, code, lock and data, each checked against its recorded digest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.provenance import CODE_DIGEST_PREFIX, Provenance, read_provenance
from flightline.metadata.run import Run
from flightline.utils.dvc import fetch_file
from flightline.utils.files import atomic_write
from flightline.utils.hashing import file_digest, lock_digest
from flightline.utils.project import project_folder
from flightline.utils.storage import find_files, is_uri

_DIGEST_SCRIPT = """
import json, sys
from flightline.utils.hashing import code_digest
found = {}
for module in sys.argv[1:]:
    try:
        found[module] = code_digest(module)
    except ModuleNotFoundError:
        found[module] = ""
print(json.dumps(found))
"""
CONFIG_FILE, SCHEMA_FILE, DATA_FOLDER = "config.yaml", "schema.pbtxt", "data"


class RestoreError(UsageError):
    """An input of a run cannot be restored."""


@dataclass(frozen=True)
class Checkout:
    """The folder of a run's code, and the Python of an environment with its lock."""

    folder: Path
    python: Path


@dataclass(frozen=True)
class RunRecord:
    """A run to repeat.

    Attributes:
        run: the run in ML Metadata.
        provenance: recorded when the run started.
        config: the run's config.
        to_node: the last node to run; empty for the end of the DAG.
    """

    run: Run
    provenance: Provenance
    config: Config
    to_node: str


def read_run_record(config: Config, run: Run, to_node: str | None = None) -> RunRecord:
    """Read what a run recorded when it started.

    Args:
        to_node: the last node to run; None for the run's own last node.

    Raises:
        RestoreError: the run's folder is gone, or has no digests of the input files.
    """
    folder = config.run_folder(run.run_id)
    provenance = read_provenance(folder)
    if provenance is None or not (folder / CONFIG_FILE).is_file():
        raise RestoreError(f"the folder of run {run.run_id}, {folder}, with its config and provenance is gone")
    if not provenance.inputs:
        raise RestoreError(f"run {run.run_id} has no digests of its input files", "reproduce a later run")
    last_node = provenance.run_arguments.get("to", "") if to_node is None else to_node
    return RunRecord(run, provenance, load_config(folder / CONFIG_FILE), last_node)


def restore_config(record: RunRecord, folder: Path, workspace: Path) -> list[str]:
    """Write the run's config and curated schema below `folder`; return the runner's options that use them.

    Raises:
        RestoreError: neither the schema's artifact nor the schema file has the recorded content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    expected = record.provenance.digests["schema"]
    step = record.run.steps.get("CuratedSchema")
    artifact = step.output("schema") if step and step.done else None
    copies = [Path(artifact.uri) / SCHEMA_FILE] if artifact else []
    for copy in [*copies, record.config.schema_file]:
        if copy.is_file() and file_digest(copy) == expected:
            shutil.copyfile(copy, folder / SCHEMA_FILE)
            break
    else:
        raise RestoreError(
            f"the schema {record.config.schema_file} has changed, and its artifact is gone", "restore the schema file"
        )
    atomic_write(
        folder / CONFIG_FILE,
        Path(record.config.run_folder(record.run.run_id) / CONFIG_FILE).read_text(encoding="utf-8"),
    )
    settings: dict[str, object] = {
        "workspace": workspace,
        "schema": folder / SCHEMA_FILE,
        "pipeline_root": "null",
        "tracking": "{}",
    }
    if record.config.metadata.uses_server:
        settings["metadata"] = "{}"  # a reproduction has its own store, apart from the project's
    if not is_uri(record.config.data.input):
        settings["data.input"] = folder / DATA_FOLDER
    options = ["--config", str(folder / CONFIG_FILE), "--run-id", record.run.run_id, "--plain"]
    options += ["--to", record.to_node] if record.to_node else []
    return [*options, *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]


def restore_data(record: RunRecord, folder: Path) -> None:
    """Link the run's local input files below `folder`: to the files if they are unchanged, else to DVC's copies.

    Input files at a URI are only checked.

    Raises:
        RestoreError: a file has changed, and DVC has no copy; the message names it.
    """
    config = record.config
    if is_uri(config.data.input):
        present = {file.name: file.digest for file in find_files(config.data.input, config.data.glob)}
        expected = record.provenance.inputs
        changed = sorted(name for name in {*present, *expected} if present.get(name) != expected.get(name))
        if changed:
            count = f"{len(changed)} files below {config.data.input}"
            raise RestoreError(f"data: {count} have changed, such as {changed[0]}", "restore them, and try again")
        return
    for name, digest in record.provenance.inputs.items():
        md5 = record.provenance.dvc.get(name)
        source = _find_input_file(
            Path(config.data.input) / name, digest, md5, record.provenance.commit, folder / "pulled" / name
        )
        target = folder / DATA_FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())


def _find_input_file(path: Path, digest: str, md5: str | None, commit: str | None, into: Path) -> Path:
    """Return the file with this content: at its path, or in DVC's caches and remotes."""
    exists = path.is_file()
    if exists and file_digest(path) == digest:
        return path
    if md5 and (pulled := fetch_file(path, md5, digest, commit, into)):
        return pulled
    problem = f"data: {path} {'has changed since' if exists else 'is gone'}; it had the SHA-256 {digest}"
    fix = "restore the file, and try again"
    if md5:
        problem += f" and DVC's MD5 {md5}, which no readable cache or remote has"
        fix = "`make data-pull`, or restore the file, and try again"
    raise RestoreError(problem, fix)


def restore_code(provenance: Provenance, folder: Path, set_up: bool) -> Checkout:
    """Return the run's code and environment: the present checkout if it is the same, else a worktree of its commit.

    Args:
        folder: the worktree's folder.
        set_up: create an environment in the worktree if the run had another requirements.lock.

    Raises:
        RestoreError: no commit has the run's code, or the lock differs and `set_up` is off.
    """
    expected = {
        name.removeprefix(CODE_DIGEST_PREFIX): digest
        for name, digest in provenance.digests.items()
        if name.startswith(CODE_DIGEST_PREFIX)
    }
    lock = provenance.digests.get("lock")
    here = Checkout(project_folder(), Path(sys.executable))
    if not _changed_modules(here, expected) and lock == lock_digest():
        return here
    if provenance.commit is None:
        raise RestoreError("the code has changed since, and the run was not made from a git repository")
    _run_git("worktree", "add", "--detach", "--force", str(folder), provenance.commit)
    # The project may be a subfolder of its repository; the worktree is the whole repository.
    there = Checkout(folder / _run_git("rev-parse", "--show-prefix"), Path(sys.executable))
    if changed := _changed_modules(there, expected):
        cause = "it had uncommitted edits" if provenance.dirty else "it was not made from this checkout"
        commit = provenance.commit[:12]
        raise RestoreError(f"the run's code is not that of its commit {commit}: {changed[0]} differs ({cause})")
    if lock == lock_digest():
        return there
    if not set_up:
        raise RestoreError(
            "the run had another requirements.lock than this environment",
            "add --set-up to create an environment with its lock first (3 GB)",
        )
    set_up_script = str(there.folder / "scripts" / "setup.sh")
    completed = subprocess.run([set_up_script], cwd=there.folder, check=False, stdout=sys.stderr)
    if completed.returncode:
        raise RestoreError(f"scripts/setup.sh failed in the worktree of commit {provenance.commit[:12]}")
    return Checkout(there.folder, there.folder / ".venv" / "bin" / "python")


def remove_worktree(folder: Path) -> None:
    """Remove a worktree that `restore_code` created; do nothing without one."""
    if folder.is_dir():
        _run_git("worktree", "remove", "--force", str(folder))


def checkout_environment(checkout: Checkout) -> dict[str, str]:
    """Return the environment variables of a process that runs a checkout's code; PYTHONPATH is kept after it."""
    paths = [str(checkout.folder), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _changed_modules(checkout: Checkout, expected: Mapping[str, str]) -> list[str]:
    """Return the modules whose digest, imports included, is not the expected one."""
    completed = subprocess.run(
        [str(checkout.python), "-c", _DIGEST_SCRIPT, *expected],
        cwd=checkout.folder,
        env=checkout_environment(checkout),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(completed.stdout) if completed.returncode == 0 else {}
    return [module for module, digest in expected.items() if found.get(module) != digest]


def _run_git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise RestoreError("the run's code is that of another commit, and git is not installed", "install git")
    completed = subprocess.run([git, *arguments], cwd=project_folder(), capture_output=True, text=True, check=False)
    if completed.returncode:
        raise RestoreError(f"git {' '.join(arguments[:2])} failed: {' '.join(completed.stderr.split())[:300]}")
    return completed.stdout.strip()
