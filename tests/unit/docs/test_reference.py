"""The reference pages that are generated from the code list and describe every config key, command and API object."""

import importlib
import re
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.config.loader import dump_config, load_config
from flightline.config.settings import Config
from scripts.docs import api, commands, config_keys, exit_codes
from scripts.docs.config_keys import list_sections
from scripts.repository import REPOSITORY

COMMANDS = commands.list_commands()


def leaves(value, path=""):
    """The dotted paths of all values in a dumped config, and of empty sections."""
    if not isinstance(value, dict) or not value:
        yield path
        return
    for name, inner in value.items():
        yield from leaves(inner, f"{path}.{name}".lstrip("."))


def test_every_key_of_a_dumped_config_is_listed():
    keys = {key.path for section in list_sections() for key in section.keys}
    mappings = [key.path for section in list_sections() for key in section.keys if key.type.startswith("mapping")]
    config = yaml.safe_load(dump_config(load_config(REPOSITORY / "configs" / "flights_monthly.yaml")))
    for path in leaves(config):
        assert path in keys or any(path.startswith(f"{mapping}.") for mapping in mappings), path


def test_every_key_and_section_has_a_description():
    assert [key.path for section in list_sections() for key in section.keys if len(key.description) < 5] == []
    assert [section.path for section in list_sections() if len(section.description) < 5] == []


@pytest.mark.parametrize(
    ("path", "kind", "default"),
    [
        ("label", "text", "**required**"),
        ("data.block_mb", "whole number, ≥ 1, ≤ 1024", "`16`"),
        ("data.span", "whole number, ≥ 0", "none"),
        ("data.splits", "mapping: name → whole number, > 0", '`{"train": 2, "eval": 1}`'),
        ("gate.policy.drift", "`block` or `warn` or `ignore`", '`"block"`'),
        ("window", "section", "none"),
        ("window.spans", "whole number, ≥ 1", "**required**"),
        ("evaluation.thresholds", "mapping: name → section", "`{}`"),
        ("evaluation.thresholds.NAME.lower", "number", "none"),
        ("evaluation.per_slice[].slice", "list of text, at least 1", "**required**"),
        ("engines.flink.job_server_jar", "path", "none"),
        ("model.hidden", "list of whole number", "`[192]`"),
    ],
)
def test_a_key_is_listed_with_its_type_and_default(path, kind, default):
    [key] = [key for section in list_sections() for key in section.keys if key.path == path]
    assert (key.type, key.default) == (kind, default)


def test_every_listed_default_is_the_default_of_the_config():
    """A config with the listed YAML value equals a config without it."""
    raw = {"name": "a", "label": "y", "schema": "s", "data": {"input": "d"}}
    plain = Config.model_validate(raw)
    for section in list_sections():
        for key in section.keys:
            if key.default.startswith("`") and not re.search(r"NAME|\[\]|^(window|tune)\b", key.path):
                overridden = yaml.safe_load(yaml.safe_dump(raw))
                *parents, last = key.path.split(".")
                node = overridden
                for parent in parents:
                    node = node.setdefault(parent, {})
                node[last] = yaml.safe_load(key.default.strip("`"))
                assert Config.model_validate(overridden) == plain, key.path


def test_every_command_of_the_help_is_listed():
    help_text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    listed = {command.words.split()[1] for command in COMMANDS if command.words.startswith("flightline ")}
    in_help = set(re.findall(r"^[│ ]+([a-z][a-z-]+)  ", help_text.split(" Set up ", 1)[1], re.MULTILINE))
    assert in_help
    assert listed == in_help


@pytest.mark.parametrize("command", COMMANDS, ids=[command.words for command in COMMANDS])
def test_every_command_argument_and_option_has_a_description(command):
    assert len(command.description) > 10
    for item in (*command.arguments, *command.options):
        assert len(item.description) > 3, item.usage


def test_options_are_listed_with_their_values():
    [show] = [command for command in COMMANDS if command.words == "flightline show"]
    [local] = [command for command in COMMANDS if command.words == "python runner_local.py"]
    assert [argument.value for argument in show.arguments] == ["RUN"]
    assert {option.usage for option in show.options} == {"--config FILE", "--json", "--set a.b=value"}
    assert {"--set a.b=value", "--cache, --no-cache", "--from NODE"} <= {option.usage for option in local.options}
    [cache] = [option for option in local.options if "--cache" in option.names]
    assert cache.default == "`--cache`"


def test_every_make_target_is_listed():
    makefiles = "\n".join(path.read_text(encoding="utf-8") for path in commands.MAKEFILES)
    declared = re.findall(r"^\.PHONY: (\S+)", makefiles, re.MULTILINE)
    assert list(commands.make_targets()) == declared


def test_readme_and_recovery_page_list_every_exit_code():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8").split("## How a run ends", 1)[1]
    page = (REPOSITORY / "docs" / "recovery.md").read_text(encoding="utf-8").split("## Exit codes", 1)[1]
    table = page.split("\n## ", 1)[0]
    codes = sorted({code for code, _, _ in exit_codes.list_exit_codes()})
    assert [int(code) for code in re.findall(r"`(\d+)`", readme)] == codes
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == codes
    assert all(about for _, _, about in exit_codes.list_exit_codes())


@pytest.mark.parametrize("name", [name for names in api.DOCUMENTED_OBJECTS.values() for name in names])
def test_every_documented_api_object_exists_and_has_a_docstring(name):
    module, _, attribute = name.rpartition(".")
    shown = getattr(importlib.import_module(module), attribute)
    assert shown.__module__ == module, "shown under another name than its own"
    assert shown.__doc__
    assert not re.search(r"^\s+\w+(, \w+)+: ", shown.__doc__, re.MULTILINE), "an attribute a line, as the site reads it"


def test_generating_the_reference_does_not_import_tensorflow():
    code = (
        "import sys; from scripts.docs.source import generate_pages; generate_pages();"
        "print(sorted({'tensorflow', 'tfx', 'apache_beam', 'keras', 'mkdocs'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_all_rows_of_a_table_have_the_same_number_of_cells():
    for text in (config_keys.render_page(), commands.render_page(), exit_codes.render_page()):
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            columns = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(columns) == 1, block
