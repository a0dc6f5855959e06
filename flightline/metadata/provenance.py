"""What a run is made from: commit, digests and versions, noted before anything starts."""

from __future__ import annotations

import getpass
import json
import platform
import shutil
import socket
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

PROVENANCE_FILE = "origin.json"  # in the folder of the run
DVC_PROPERTY = "dvc"  # what ML Metadata keeps with a run: `dvc` of its origin, as JSON
CODE_DIGEST_PREFIX, LIBRARY_ENTRY_MODULE = (
    "code: ",
    "flightline.runs.launch",
)  # which imports all of ours that a run executes
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
    """What decides what a run comes to.

    Attributes:
        commit: of the code; None outside git. dirty: whether files differed from it.
        digests: SHA-256 of the data, the schema, the lock and each package of code.
        versions: of Python and what counts most among the packages.
        inputs: input file, by its name below `data.input` → SHA-256 of its content.
        asked: the runner, and the node that the run was to end at.
        dvc: input file → MD5 of its content, of those that DVC tracks.
    """

    commit: str | None
    dirty: bool
    files: int
    digests: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    dvc: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_provenance(folder: Path) -> Provenance | None:
    """What a run of training wrote when it started; None where there is nothing of the kind."""
    try:
        kept: dict[str, Any] = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))
        return Provenance(**kept)
    except (OSError, ValueError, TypeError):
        return None


def run_properties(folder: Path) -> dict[str, str]:
    """What ML Metadata keeps with a run as a whole: who started it, from which commit, with which config, on which
    data where DVC tracks them."""
    origin = read_provenance(folder)
    facts = {"by": f"{getpass.getuser()}@{socket.gethostname()}"}
    if origin is not None and origin.commit:
        facts["commit"] = f"{origin.commit}{' with edits' if origin.dirty else ''}"
    if origin is not None and origin.asked.get("reason"):
        facts["reason"] = origin.asked["reason"]
    if origin is not None and origin.dvc:
        facts[DVC_PROPERTY] = json.dumps(origin.dvc, sort_keys=True)
    if (folder / "config.yaml").is_file():
        facts["config"] = (folder / "config.yaml").read_text(encoding="utf-8")
    return facts


def collect_provenance(config: Config, files: Sequence[InputFile], asked: dict[str, str]) -> Provenance:
    """The origin of a run that is about to start."""
    commit, dirty = git_commit(project_folder())
    digests = {"data": data_digest(files), "schema": file_digest(config.schema_file)}
    if lock := lock_digest():
        digests["lock"] = lock
    for module in (LIBRARY_ENTRY_MODULE, *user_modules(config)):
        digests[f"{CODE_DIGEST_PREFIX}{module}"] = code_digest(module)
    inputs = {file.name: file.digest for file in files}
    return Provenance(commit, dirty, len(files), digests, _package_versions(), inputs, asked, tracked_md5s(files))


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
    asked = subprocess.run([git, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return asked.stdout.strip()


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
    return sorted({path.rpartition(".")[0] for path in (config.user_code.preprocessing_fn, config.user_code.run_fn)})
