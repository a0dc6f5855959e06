"""What a run was made from, put back: config, schema, code, lock and data, each held to the digest on record."""

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
    """Something that a run was made from is not to be had any more."""


@dataclass(frozen=True)
class Checkout:
    """Where a run's code is, and the Python that its lock was installed for."""

    folder: Path
    python: Path


@dataclass(frozen=True)
class RunRecord:
    """One run to be done again.

    Attributes:
        run: as ML Metadata has it; origin: what it noted when it started.
        config: what it was run with, as it was.
        to: the node to end at; empty for the end.
    """

    run: Run
    origin: Provenance
    config: Config
    to: str


def read_run_record(config: Config, run: Run, to: str | None = None) -> RunRecord:
    """What is on record of how a run was made.

    Args:
        to: where to end it, if elsewhere than the run itself was to end.

    Raises:
        CannotRestore: its folder is gone, or was left by a Flightline that noted less.
    """
    folder = config.run_folder(run.run_id)
    origin = read_provenance(folder)
    if origin is None or not (folder / CONFIG_FILE).is_file():
        raise RestoreError(f"the folder of run {run.run_id}, {folder}, with its config and origin is gone")
    if not origin.inputs:
        raise RestoreError(
            f"run {run.run_id} did not note the digests of its input files", "only later runs can be reproduced"
        )
    return RunRecord(
        run, origin, load_config(folder / CONFIG_FILE), origin.run_arguments.get("to", "") if to is None else to
    )


def restore_config(made: RunRecord, folder: Path, workspace: Path) -> list[str]:
    """Writes the run's config and curated schema below `folder`; returns the options of a runner that use them.

    Raises:
        CannotRestore: the schema is neither in its artifact nor where it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = made.origin.digests["schema"]
    step = made.run.steps.get("CuratedSchema")
    artifact = step.output("schema") if step and step.done else None
    copies = [Path(artifact.uri) / SCHEMA_FILE] if artifact else []
    for copy in [*copies, made.config.schema_file]:
        if copy.is_file() and file_digest(copy) == wanted:
            shutil.copyfile(copy, folder / SCHEMA_FILE)
            break
    else:
        raise RestoreError(f"the schema {made.config.schema_file} is not as it was, and its artifact is gone")
    atomic_write(
        folder / CONFIG_FILE, Path(made.config.run_folder(made.run.run_id) / CONFIG_FILE).read_text(encoding="utf-8")
    )
    settings: dict[str, object] = {
        "workspace": workspace,
        "schema": folder / SCHEMA_FILE,
        "pipeline_root": "null",
        "tracking": "{}",
    }
    if made.config.metadata.uses_server:
        settings["metadata"] = "{}"  # what is done again is nobody else's business
    if not is_uri(made.config.data.input):
        settings["data.input"] = folder / DATA_FOLDER
    options = ["--config", str(folder / CONFIG_FILE), "--run-id", made.run.run_id, "--plain"]
    options += ["--to", made.to] if made.to else []
    return [*options, *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]


def restore_data(made: RunRecord, folder: Path) -> None:
    """Puts the run's input files below `folder` under their names: those of this machine as links, to where they were
    or, where that has moved on, to what DVC has kept of them.

    Raises:
        CannotRestore: naming the files that are not to be had as they were.
    """
    config = made.config
    if is_uri(config.data.input):
        there = {file.name: file.digest for file in find_files(config.data.input, config.data.glob)}
        wanted = made.origin.inputs
        changed = sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))
        if changed:
            where = f"below {config.data.input}"
            raise RestoreError(f"data: {len(changed)} files {where} are not as they were, such as {changed[0]}")
        return
    for name, digest in made.origin.inputs.items():
        md5 = made.origin.dvc.get(name)
        source = _find_input_file(
            Path(config.data.input) / name, digest, md5, made.origin.commit, folder / "pulled" / name
        )
        target = folder / DATA_FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())


def _find_input_file(path: Path, digest: str, md5: str | None, commit: str | None, into: Path) -> Path:
    """The file with this content: where it was, or where DVC has it."""
    there = path.is_file()
    if there and file_digest(path) == digest:
        return path
    if md5 and (pulled := fetch_file(path, md5, digest, commit, into)):
        return pulled
    what = f"data: {path} {'has changed since' if there else 'is gone'}; it had the SHA-256 {digest}"
    todo = "restore it as it was, and try again"
    if md5:
        what += f" and DVC's MD5 {md5}, which is in no cache or remote that can be read from here"
        todo = "`make data-pull`, or restore it as it was, and try again"
    raise RestoreError(what, todo)


def restore_code(origin: Provenance, folder: Path, set_up: bool) -> Checkout:
    """The code and the environment of a run: what is checked out, where it is the same, else a worktree of its commit.

    Args:
        folder: where a worktree goes.
        set_up: make an environment in the worktree where the run's lock is another than that of this one.

    Raises:
        CannotRestore: no commit has the run's code, or its lock is another one.
    """
    wanted = {
        name.removeprefix(CODE_DIGEST_PREFIX): digest
        for name, digest in origin.digests.items()
        if name.startswith(CODE_DIGEST_PREFIX)
    }
    lock = origin.digests.get("lock")
    here = Checkout(project_folder(), Path(sys.executable))
    if not _changed_modules(here, wanted) and lock == lock_digest():
        return here
    if origin.commit is None:
        raise RestoreError("the code has changed since, and the run did not come from a git repository")
    _run_git("worktree", "add", "--detach", "--force", str(folder), origin.commit)
    there = Checkout(folder, Path(sys.executable))
    if changed := _changed_modules(there, wanted):
        edits = "it had edits that were not committed" if origin.dirty else "it came from elsewhere"
        raise RestoreError(f"the run's code is not that of its commit {origin.commit[:12]}: {changed[0]} ({edits})")
    if lock == lock_digest():
        return there
    if not set_up:
        raise RestoreError(
            "the run was made with another requirements.lock than this environment",
            "with --set-up an environment is made of its lock first (3 GB)",
        )
    ended = subprocess.run([str(folder / "scripts" / "setup.sh")], cwd=folder, check=False, stdout=sys.stderr)
    if ended.returncode:
        raise RestoreError(f"no environment could be made of the lock of commit {origin.commit[:12]}")
    return Checkout(folder, folder / ".venv" / "bin" / "python")


def remove_worktree(folder: Path) -> None:
    """Removes a worktree that `restore_code` made; does nothing where there is none."""
    if folder.is_dir():
        _run_git("worktree", "remove", "--force", str(folder))


def checkout_environment(checkout: Checkout) -> dict[str, str]:
    """The variables of a process that runs the code of a checkout; modules of the user's own stay importable."""
    paths = [str(checkout.folder), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _changed_modules(checkout: Checkout, wanted: Mapping[str, str]) -> list[str]:
    """The modules that, with all that they import, are not as they were."""
    asked = subprocess.run(
        [str(checkout.python), "-c", _DIGEST_SCRIPT, *wanted],
        cwd=checkout.folder,
        env=checkout_environment(checkout),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(asked.stdout) if asked.returncode == 0 else {}
    return [module for module, digest in wanted.items() if found.get(module) != digest]


def _run_git(*arguments: str) -> None:
    git = shutil.which("git")
    if git is None:
        raise RestoreError("the run's code is that of another commit, and there is no git", "install git")
    done = subprocess.run([git, *arguments], cwd=project_folder(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RestoreError(f"git {' '.join(arguments[:2])} failed: {' '.join(done.stderr.split())[:300]}")
