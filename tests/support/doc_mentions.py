"""Commands, options, config keys and files that a text names, held to those that there are."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator

from scripts.docs.commands import list_commands, make_targets
from scripts.docs.config_keys import list_sections
from scripts.repository import REPOSITORY

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")
_SET = re.compile(r"--set[ =]([A-Za-z_][\w.]*)=")
_PLACEHOLDER_KEY = "a.b"  # how the documents write one
_FILE = re.compile(r"(models/\w+\.|(pipeline|tests|scripts|serving|docker|benchmarks|notebooks)/)[\w./*-]+")
_COMMAND_SEPARATOR = re.compile(r" \| | \|\| |&&|;|\)| > | >> ")  # where the words of one command end
_RUNNER = re.compile(r"runner_(local|beam|kubeflow)\.py")
_COMMANDS = {command.words: command for command in list_commands()}


def inline_code(text: str) -> list[str]:
    """Inline code."""
    return _CODE.findall(text)


def command_candidates(text: str) -> Iterator[str]:
    """Everything in a Markdown text that may be a command: lines of shell, and inline code."""
    for language, block in _FENCE.findall(text):
        if language in ("", "sh", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                yield line.removeprefix("$ ").split(" # ")[0].strip()
    yield from inline_code(_FENCE.sub("", text))


def command_problems(words: str) -> list[str]:
    """What is wrong with a command as it is written; nothing for what is no command."""
    found = [
        f"there is no config key {key}"
        for key in _SET.findall(words)
        if key != _PLACEHOLDER_KEY and not is_config_key(key)
    ]
    for part in _COMMAND_SEPARATOR.split(words):
        found += _problems_in_part(part.strip())
    return found


def _problems_in_part(words: str) -> list[str]:
    if made := re.match(r"make ([a-z][a-z0-9-]*)", words):
        return [] if made[1] in make_targets() else [f"there is no make target {made[1]}"]
    if module := re.search(r"python -m ([\w.]+)", words):
        return [] if importlib.util.find_spec(module[1]) else [f"there is no module {module[1]}"]
    if runner := _RUNNER.search(words):
        return _unknown_options(words[runner.end() :], _COMMANDS[f"python {runner[0]}"].option_names, runner[0])
    if (asked := re.match(r"(?:\S*/)?flightline (?!\s)(.*)", words)) and not asked[1].startswith(("-", "runs |")):
        return _flightline_problems(asked[1].split())
    return []


def _flightline_problems(words: list[str]) -> list[str]:
    for length in (2, 1):
        command = _COMMANDS.get(" ".join(["flightline", *words[:length]]))
        if command is not None:
            return _unknown_options(" ".join(words[length:]), command.option_names, command.words)
    if any(known.startswith(f"flightline {words[0]} ") for known in _COMMANDS) and len(words) == 1:
        return []  # a group, named as such
    return [f"there is no command flightline {' '.join(words[:2])}"]


def _unknown_options(words: str, known: set[str], whose: str) -> list[str]:
    return [f"{whose} has no option {option}" for option in _OPTION.findall(words) if option not in known]


def is_config_key(path: str) -> bool:
    """Whether the config has this key, or a section of it."""
    return any(pattern.fullmatch(path) for pattern in _KEYS)


def _key_patterns() -> Iterator[re.Pattern[str]]:
    """One for each key and section; below a mapping, any name."""
    for section in list_sections():
        for path, kind in ((section.path, ""), *((key.path, key.type) for key in section.keys)):
            text = re.escape(path).replace("NAME", r"[\w-]+").replace(r"\[\]", r"(\.\d+)?")
            yield re.compile(text + (r"(\.[\w.-]+)?" if kind.startswith("mapping") and "section" not in kind else ""))


_KEYS = list(_key_patterns())


def mentioned_files(text: str) -> Iterator[tuple[str, bool]]:
    """(path or glob, whether it is there) for each file of this project that inline code names."""
    for span in inline_code(_FENCE.sub("", text)):
        if _FILE.fullmatch(span):
            yield span, any(REPOSITORY.glob(span.rstrip("/")))
