"""Which config a command reads when none is named: the folder `configs` stands for one of its files."""

from __future__ import annotations

import sys
from pathlib import Path

from flightline.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT_SETTINGS = Path("pyproject.toml")
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
