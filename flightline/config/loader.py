"""Reads a config: YAML, `--set` overrides, validation, and messages that name the key and suggest the right one."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from flightline.config.credentials import refuse_credentials
from flightline.config.default_config import resolve_config
from flightline.config.feature_planning import plan_features
from flightline.config.schema_file import read_feature_types, read_schema, schema_feature_types
from flightline.config.settings import Config
from flightline.config.value_checks import check_values
from flightline.errors import ConfigError, InputError, mask_credentials
from flightline.utils.files import read_small_text
from flightline.utils.safe_yaml import InvalidYaml, parse_yaml
from flightline.utils.storage import InputFile, find_files
from flightline.utils.suggestions import suggest_names

DEFAULT_CONFIG = Path("configs")  # a folder: `resolve_config` chooses its config
MAX_CONFIG_MB = 4  # a config that excludes 50,000 columns by name has one


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and validate the config at `path`, with `a.b=value` overrides (values are YAML) applied in order.

    Args:
        path: a file; or a folder, as `resolve_config` takes it.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is of the wrong type or out of range.
    """
    path = resolve_config(path)
    raw = _read_yaml(path)
    for override in overrides:
        _apply_override(raw, override)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_describe_error(error, path), f"fix {path}, or the --set that changed it") from error
    refuse_credentials(raw, str(path))
    check_values(raw, config.model_dump(by_alias=True), str(path))
    return config


def dump_config(config: Config) -> str:
    """The config as YAML that `load_config` reads back to an equal config."""
    return yaml.safe_dump(config.model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True)


def input_files(config: Config) -> list[InputFile]:
    """List the files that match `data.pattern`, sorted.

    Raises:
        InputError: there are none.
    """
    files = find_files(config.data.input, config.data.glob)
    if not files:
        raise InputError(
            f"data: no file matches {config.data.glob} below {config.data.input}",
            "make the data (`make data` for the flights), or fix data.input and data.pattern",
        )
    return files


def check_against_data(config: Config) -> list[InputFile]:
    """Check that a config fits its schema and its files, and return the input files.

    Raises:
        ConfigError: as `check_against_schema` does, or the label is not in the first file's header.
        InputError: there is no input file, or the first one has no header.
    """
    read_feature_types(config.schema_file)  # an unreadable schema is reported before missing files
    files = input_files(config)
    header = _csv_header(files[0])
    if header is not None:
        _require_column(config.label, header, "label", f"the header of {files[0].location}")
    check_against_schema(config)
    return files


def check_against_schema(config: Config) -> None:
    """Check that a config fits its schema; the data may be out of reach.

    Raises:
        ConfigError: the schema is missing or unreadable, the label, a slice or a feature is not a column, or a column
            with bins is not numeric.
    """
    schema = read_schema(config.schema_file)
    columns = list(schema_feature_types(schema, config.schema_file))
    _require_column(config.label, columns, "label", f"the schema {config.schema_file}")
    for key in [*config.evaluation.bins, *(key for keys in config.evaluation.slice_columns for key in keys)]:
        _require_column(key, columns, "evaluation: slice", f"the schema {config.schema_file}")
    _check_bins(config)
    try:
        plan_features(schema, config.label, config.features, config.target)
    except ValueError as error:
        raise ConfigError(str(error), f"fix the config, or the schema {config.schema_file}") from error


def _check_bins(config: Config) -> None:
    """Check that columns with bins are numeric, and that float columns in a slice have bins."""
    types, evaluation = read_feature_types(config.schema_file), config.evaluation
    for column in evaluation.bins:
        if types[column] == "bytes":
            raise ConfigError(
                f"evaluation.bins: {column} is text in the schema {config.schema_file}: only numeric columns have bins",
                f"remove {column} from evaluation.bins: each value of a text column is a slice",
            )
    for column in (column for columns in evaluation.slice_columns for column in columns):
        if types[column] == "float" and column not in evaluation.bins:
            raise ConfigError(
                f"evaluation: slice: {column} is FLOAT in the schema {config.schema_file}: each value would be a slice",
                f"give it bins, such as --set evaluation.bins.{column}.quantiles=4",
            )


def require_thresholds(config: Config) -> None:
    """Check that the config has a threshold, without which no model can be blessed.

    Raises:
        ConfigError: it has none.
    """
    if not config.evaluation.thresholds and not config.evaluation.per_slice:
        raise ConfigError(
            "evaluation.thresholds is empty: without a threshold no model is blessed, and nothing is released",
            "set one, such as --set evaluation.thresholds.AUC.lower=0.7",
        )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = parse_yaml(read_small_text(path, MAX_CONFIG_MB))
    except FileNotFoundError as error:
        others = [str(other) for folder in {path.parent, Path("configs")} for other in folder.glob("[!.]*.yaml")]
        todo = f"{suggest_names(str(path), others)} (paths are relative to the working directory)"
        raise ConfigError(f"there is no config {path}", todo) from error
    except OSError as error:
        raise ConfigError(f"the config {path} cannot be read: {error}") from error
    except InvalidYaml as error:
        raise ConfigError(f"the config {path} is not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"the config {path} is not a mapping of keys to values")
    return raw


def _apply_override(raw: dict[str, Any], override: str) -> None:
    """Set one `a.b=value` in place; validation checks later that the key exists."""
    key, separator, text = override.partition("=")
    if not separator or not all(key.split(".")):
        raise ConfigError(f"--set {override} is not of the form a.b=value")
    try:
        value = parse_yaml(text)
    except InvalidYaml as error:
        if text.lstrip().startswith(("{", "[")):
            raise ConfigError(f"--set {override}: the value is not YAML: {error}") from error
        value = text  # text that YAML would require in quotes, such as `*.csv`
    *parents, last = key.split(".")
    node = raw
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"--set {override}: {parent} is a value, not a section")
        node = child
    node[last] = value


def _describe_error(error: ValidationError, path: Path) -> str:
    """Describe the first problem of a validation, with the path of its key; misspelt keys come before missing ones."""
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"]) or "config"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key {where}{more}: {suggest_names(str(first['loc'][-1]), _keys_at(first['loc'][:-1]))}"
    if first["type"] == "missing":
        return f"{path}: {where} is missing{more}"
    message = first["msg"].removeprefix("Value error, ")
    # A value put in place of the store's address may contain a password, as database URLs do.
    hide_input = isinstance(first["input"], Mapping | BaseModel) or first["loc"][:1] == ("metadata",)
    shown = "" if hide_input else f", got {first['input']!r}"
    return mask_credentials(f"{path}: {where}: {message[0].lower()}{message[1:]}{shown}{more}")


def _keys_at(location: Iterable[int | str]) -> list[str]:
    """List the keys of the section at this path of the config."""
    model: type[BaseModel] = Config
    for part in location:
        if isinstance(part, int):
            continue  # an entry of a list: its model is that of the list
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        inside = list(_section_models(fields.get(part)))
        if inside:
            model = inside[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _section_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the sections that an annotation contains, also within `tuple[...]`, `dict[...]`, `... | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _section_models(argument)


def _require_column(name: str, known: Sequence[str], key: str, source: str) -> None:
    if name not in known:
        raise ConfigError(f"{key}: {name} is not in {source}", suggest_names(name, known))


def _csv_header(file: InputFile) -> list[str] | None:
    """Read the column names of a CSV file (plain or gzip); None for formats that have their own schema."""
    path, suffix = file.location, Path(file.name).suffix
    if suffix not in {".csv", ".gz"}:
        return None
    try:
        # Only the header is decoded here: ExampleGen rejects bad rows.
        with file.open() as raw, gzip.open(raw) if suffix == ".gz" else raw as lines:
            header = lines.readline().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{path} has no readable header: {error}", "restore the file, or save it as UTF-8") from error
    if not header.strip():
        raise InputError(f"{path} is empty: its first line names no columns", "restore the file, or remove it")
    return next(csv.reader([header]))
