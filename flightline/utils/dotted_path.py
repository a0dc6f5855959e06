"""Load a function that the config names by its dotted path: the library imports no project module itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from flightline.errors import ConfigError, summarize_error
from flightline.utils.suggestions import suggest_names


def load_function(key: str, path: str) -> Callable[..., Any]:
    """Import the function at `path`, which the config's `key` names.

    Raises:
        ConfigError: there is no such module, importing it fails, or it has no such function.
    """
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except (OSError, MemoryError):  # the machine's fault, not the module's
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise missing_module_error(key, module_name) from error
        raise ConfigError(
            f"{key}: importing {module_name} failed: {summarize_error(error)}",
            "fix that module; the log has the traceback",
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        functions = [other for other, value in vars(module).items() if callable(value) and not other.startswith("_")]
        raise ConfigError(f"{key}: {module_name} has no function {name}", suggest_names(name, functions))
    return function


def missing_module_error(key: str, module: str) -> ConfigError:
    """Return the error for a config key that names a module which Python cannot find."""
    return ConfigError(
        f"{key}: there is no module {module}", "name an importable module, or put its folder on PYTHONPATH"
    )
