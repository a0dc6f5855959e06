"""Which config a command reads when none is named: the folder `configs` stands for one of its files."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from flightline.errors import ConfigError
from flightline.utils.files import atomic_write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT_SETTINGS = Path("pyproject.toml")
STARTER_CONFIG = Path("configs/example.yaml")  # of a new project, until it has one of its own
_CHOOSE_HINT = 'name one with --config, or set config = "configs/NAME.yaml" below [tool.flightline] in pyproject.toml'


def resolve_config(path: Path) -> Path:
    """`path`; of a folder, the config in it that pyproject.toml names as the project's, or else the only one.

    Raises:
        ConfigError: there is no such folder; it has no config, or several of which pyproject.toml names none.
    """
    if not path.suffix and not path.exists():
        raise ConfigError(
            f"there is no folder {path} in {Path.cwd()}",
            "run the command in the folder of a project, or name a config with --config",
        )
    if not path.is_dir():
        return path
    if (named := project_config()) and named.parent == path:
        return named
    found = sorted(path.glob("[!.]*.yaml"))
    if not found:
        raise ConfigError(f"the folder {path} has no config", "make one with `flightline init FILE --label COLUMN`")
    if len(found) > 1:
        raise ConfigError(f"the folder {path} has several configs: {', '.join(map(str, found))}", _CHOOSE_HINT)
    return found[0]


def project_config(settings: Path = PROJECT_SETTINGS) -> Path | None:
    """The config that pyproject.toml names: `config` in [tool.flightline]; None where it names none.

    Raises:
        ConfigError: pyproject.toml is not TOML, or the value is not text.
    """
    try:
        value = tomllib.loads(settings.read_text(encoding="utf-8")).get("tool", {}).get("flightline", {}).get("config")
    except OSError:
        return None
    except tomllib.TOMLDecodeError as error:
        todo = f"fix {settings}, or name a config with --config"
        raise ConfigError(f"{settings} is not TOML: {error}", todo) from error
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{settings}: tool.flightline.config is {value!r}, not a path", _CHOOSE_HINT)
    return Path(value) if value else None


def adopt_config(path: Path, settings: Path = PROJECT_SETTINGS) -> bool:
    """Makes `path` the project's config in pyproject.toml, where that names the starter config or a missing file.

    Returns:
        whether `path` is the project's config now.
    """
    named = project_config(settings)
    if named is not None and named != path and (named == STARTER_CONFIG or not named.exists()):
        text = settings.read_text(encoding="utf-8")
        edited = re.sub(
            rf'^config = "{re.escape(str(named))}"', f'config = "{path}"', text, count=1, flags=re.MULTILINE
        )
        atomic_write(settings, edited)
    return project_config(settings) == path
