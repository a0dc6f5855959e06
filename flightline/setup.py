"""Builds the library's wheel and its sdist; `pyproject.toml` next to it has the metadata.

`flightline new` makes projects of files that this repository runs. In the repository there is one copy of them, outside
of the package: the build packs them into the package.
"""

import runpy
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
SHARED: dict[str, Any] = runpy.run_path(str(HERE / "new" / "shared_files.py"))
IN_REPOSITORY: bool = SHARED["is_repository"](HERE.parent)
# Paths, not a pattern: setuptools' patterns leave out files such as .gitignore.
TEMPLATE = [path for path in (HERE / "new" / "template").rglob("*") if path.is_file() and path.suffix != ".pyc"]
DATA = {
    "flightline": ["py.typed"],
    "flightline.new": [str(path.relative_to(HERE / "new")) for path in TEMPLATE],
    "flightline.reporting.html": ["templates/**"],
    "flightline.serving": ["requirements.lock"],
}


def copy_shared_files(package: Path) -> None:
    """Copies the repository's files into the template of a package that is being built; an sdist has them already."""
    if IN_REPOSITORY:
        for path in SHARED["shared_files"](HERE.parent):
            target = package / "new" / "template" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE.parent / path, target)


class BuildWithTemplate(build_py):
    """build_py, and the template of `flightline new`."""

    def run(self) -> None:
        """Copies the modules, the package data and the template."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # modules that an earlier build left there
        super().run()
        if not self.editable_mode:
            copy_shared_files(Path(self.build_lib) / "flightline")


class SdistWithTemplate(sdist):
    """Sdist, and the template of `flightline new`."""

    def make_release_tree(self, base_dir: str, files: Iterable[str]) -> None:
        """Copies the files of the release and the template."""
        super().make_release_tree(base_dir, files)
        copy_shared_files(Path(base_dir))


setup(
    packages=["flightline", *(f"flightline.{name}" for name in find_packages(str(HERE)))],
    package_data=DATA,
    include_package_data=False,
    options={"build": {"build_base": str(HERE.parent / "build" / "library")}} if IN_REPOSITORY else {},
    cmdclass={"build_py": BuildWithTemplate, "sdist": SdistWithTemplate},
)
