"""The provenance of a run: commit, digests, versions and arguments, recorded before the first step starts."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.utils.dvc import tracked_md5s
from flightline.utils.hashing import code_digest, file_digest, lock_digest
from flightline.utils.project import project_folder
from flightline.utils.storage import InputFile, data_digest
from flightline.utils.user import current_user

PROVENANCE_FILE = "provenance.json"  # in the run's folder
DVC_PROPERTY = "dvc"  # a property of the run in ML Metadata: `dvc` of its provenance, as JSON
CODE_DIGEST_PREFIX = "code/"  # in `Provenance.digests`, before the name of a module
LIBRARY_ENTRY_MODULE = "flightline.runs.launch"  # imports all of the library that a run executes
RECORDED_PACKAGES = (
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
)


@dataclass(frozen=True)
class Provenance:
    """Everything that determines the result of a run.

    Attributes:
        commit: git commit of the code; None outside git.
        dirty: whether files differed from the commit.
        input_file_count: number of input files.
        digests: SHA-256 of the data, the schema, the lock and each module with its imports (`code/MODULE`).
        versions: of Python and of the main packages.
        inputs: input file, by its name below `data.input` → SHA-256 of its content.
        run_arguments: the runner; the last node (`to`) and the reason of the run, if there are any.
        dvc: input file → MD5 of its content, for the files that DVC tracks.
    """

    commit: str | None
    dirty: bool
    input_file_count: int
    digests: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    run_arguments: dict[str, str] = field(default_factory=dict)
    dvc: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of `provenance.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_provenance(folder: Path) -> Provenance | None:
    """The provenance in a run's folder; None where there is none: a scoring or monitoring run."""
    try:
        data: dict[str, Any] = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))
        return Provenance(**data)
    except (OSError, ValueError, TypeError):
        return None


def run_properties(folder: Path) -> dict[str, str]:
    """The properties of a run in ML Metadata: who started it, its commit, reason and config, and the data's digests
    where DVC tracks them."""
    provenance = read_provenance(folder)
    facts = {"started_by": current_user()}
    if provenance is not None and provenance.commit:
        facts["commit"] = f"{provenance.commit}{' with uncommitted changes' if provenance.dirty else ''}"
    if provenance is not None and provenance.run_arguments.get("reason"):
        facts["reason"] = provenance.run_arguments["reason"]
    if provenance is not None and provenance.dvc:
        facts[DVC_PROPERTY] = json.dumps(provenance.dvc, sort_keys=True)
    if (folder / "config.yaml").is_file():
        facts["config"] = (folder / "config.yaml").read_text(encoding="utf-8")
    return facts


def collect_provenance(config: Config, files: Sequence[InputFile], run_arguments: dict[str, str]) -> Provenance:
    """The provenance of a run that is about to start."""
    commit, dirty = git_commit(project_folder())
    digests = {"data": data_digest(files), "schema": file_digest(config.schema_file)}
    if lock := lock_digest():
        digests["lock"] = lock
    for module in (LIBRARY_ENTRY_MODULE, *user_modules(config)):
        digests[f"{CODE_DIGEST_PREFIX}{module}"] = code_digest(module)
    inputs = {file.name: file.digest for file in files}
    return Provenance(
        commit, dirty, len(files), digests, _package_versions(), inputs, run_arguments, tracked_md5s(files)
    )


def git_commit(folder: Path) -> tuple[str | None, bool]:
    """The commit that is checked out in `folder`, and whether files differ from it; (None, False) outside git.

    An installed package is outside, though an environment can lie in somebody's repository: git does not track it.
    """
    git = shutil.which("git")
    if git is None:
        return None, False
    try:
        if not _run_git(git, folder, "ls-files", "."):
            return None, False
        commit = _run_git(git, folder, "rev-parse", "HEAD")
        return commit, bool(_run_git(git, folder, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, False


def _run_git(git: str, folder: Path, *arguments: str) -> str:
    completed = subprocess.run([git, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return completed.stdout.strip()


def _package_versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def user_modules(config: Config) -> list[str]:
    """The modules of the user's functions."""
    return sorted({path.rpartition(".")[0] for path in config.user_code.model_dump().values()})
