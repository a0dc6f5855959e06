"""Configs, schemas and values of `--set` gone wrong: each case makes a project, and spoils one thing of it."""

# ruff: noqa: E501 - tables of cases, one after another

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from hostile_overrides import MARKUP_TEXTS, override_cases, yaml_bomb
from hostile_schemas import ACCEPTED, EITHER, GOOD_SCHEMA, REFUSED, schema_cases
from sandbox import numbered_names

Mutation = Callable[[Path, random.Random], list[str]]


@dataclass(frozen=True)
class ConfigCase:
    """A project to load. `make(folder)` writes it and returns the config's path with the overrides; `expected` is
    `accepted`, `refused`, or `either` where only the way of it counts."""

    name: str
    spoil: Mutation
    expected: str = REFUSED

    def make(self, folder: Path) -> tuple[Path, list[str]]:
        (folder / "data").mkdir()
        (folder / "data" / "rows.csv").write_text("a,b,y\n1,x,0\n")
        (folder / "rows.pbtxt").write_text(GOOD_SCHEMA)
        (folder / "rows.yaml").write_text(yaml.safe_dump(good_config(folder)))
        before = Path.cwd()
        os.chdir(folder)
        try:
            return folder / "rows.yaml", self.spoil(folder, random.Random(self.name))
        finally:
            os.chdir(before)


def good_config(folder: Path) -> dict:
    return {
        "name": "rows", "label": "y", "schema": str(folder / "rows.pbtxt"),
        "data": {"input": str(folder / "data")}, "workspace": str(folder / "workspace"),
    }  # fmt: skip


def config_cases() -> Iterator[ConfigCase]:
    """All of them."""
    for name, text, expected in _yaml_cases():
        yield ConfigCase(f"yaml: {name}", partial(_append_text, text=text), expected)
    for name, content, expected in _file_cases():
        yield ConfigCase(f"file: {name}", partial(_replace_file, content=content), expected)
    for each in numbered_names("file: flipped bytes", 25):
        yield ConfigCase(each, _flip_config_bytes, EITHER)
    for name, make, expected in _path_cases():
        yield ConfigCase(f"place: {name}", make, expected)
    for override, expected in override_cases():
        yield ConfigCase(f"--set {override[:60]!r} {len(override)}", partial(_override, override=override), expected)
    for name, schema, expected in schema_cases():
        yield ConfigCase(f"schema: {name}", partial(_replace_schema, schema=schema), expected)
    for each in numbered_names("schema: flipped bytes", 25):
        yield ConfigCase(each, _flip_schema_bytes, EITHER)


def _append_text(folder: Path, rng: random.Random, text: str) -> list[str]:
    with (folder / "rows.yaml").open("a", encoding="utf-8") as file:
        file.write(text)
    return []


def _replace_file(folder: Path, rng: random.Random, content: Callable[[str], bytes]) -> list[str]:
    path = folder / "rows.yaml"
    path.write_bytes(content(path.read_text()))
    return []


def _flip_config_bytes(folder: Path, rng: random.Random) -> list[str]:
    return _flip_bytes(folder / "rows.yaml", rng)


def _flip_schema_bytes(folder: Path, rng: random.Random) -> list[str]:
    return _flip_bytes(folder / "rows.pbtxt", rng)


def _flip_bytes(path: Path, rng: random.Random) -> list[str]:
    spoilt = bytearray(path.read_bytes())
    for _ in range(rng.randrange(1, 8)):
        spoilt[rng.randrange(len(spoilt))] = rng.choice([rng.randrange(256), *b"{}[]\"'\\:&*!\n\0"])
    path.write_bytes(bytes(spoilt))
    return []


def _override(folder: Path, rng: random.Random, override: str) -> list[str]:
    return [override]


def _replace_schema(folder: Path, rng: random.Random, schema: bytes) -> list[str]:
    (folder / "rows.pbtxt").write_bytes(schema)
    return []


def _merge_bomb(levels: int) -> str:
    lines = ["m0: &m0 {k: v}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: v}}" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def _yaml_cases() -> Iterator[tuple[str, str, str]]:
    yield "nothing more", "", ACCEPTED
    yield "a comment with markup", "# [/red] {{7*7}}\n", ACCEPTED
    yield "billion laughs", yaml_bomb(9, 30), REFUSED
    yield (
        "billion laughs in a known key",
        f"model_card: {{owners: x}}\nfeatures: &f {{exclude: []}}\n{yaml_bomb(9, 12)}",
        REFUSED,
    )
    yield "merge keys without end", _merge_bomb(12), REFUSED
    yield "an alias of itself", "model_card: &c {owners: *c}\n", REFUSED
    yield "a list that holds itself", "features: {exclude: &e [*e]}\n", REFUSED
    yield "an alias of nothing", "model_card: *nothing\n", REFUSED
    yield "an anchor that is used", "model_card: {owners: &o team, contact: *o}\n", ACCEPTED
    yield "a merge key that is used", "serving: &s {http_port: 9000}\n", ACCEPTED
    yield "a merge of a number", "serving: {<<: 3}\n", REFUSED
    yield "a key twice", "name: other\n", REFUSED
    yield "a key twice, deep down", "train: {epochs: 1, epochs: 2}\n", REFUSED
    yield "a key twice, once in quotes", "train: {epochs: 1, 'epochs': 2}\n", REFUSED
    yield "a list as a key", "? [a]\n: 1\n", REFUSED
    yield "a number as a key", "7: 1\n", REFUSED
    yield "null as a key", "~: 1\n", REFUSED
    yield "a date as a key", "2013-01-01: 1\n", REFUSED
    yield "a boolean as a key", "yes: 1\n", REFUSED
    yield "two documents", "---\nname: other\n", REFUSED
    yield "a directive", "%YAML 9.9\n", REFUSED
    yield "a tab", "train:\n\tepochs: 1\n", REFUSED
    yield "nested lists", f"features: {{exclude: {'[' * 50_000}{']' * 50_000}}}\n", REFUSED
    yield "nested maps", "model_card: " + "{a: " * 20_000 + "}" * 20_000 + "\n", REFUSED
    yield "nested blocks", "".join(f"{' ' * n}- \n" for n in range(3_000)), REFUSED
    yield "open brackets", "model_card: " + "[" * 100_000, REFUSED
    for tag in ("python/object/apply:os.system ['true']", "python/object/new:os.system ['true']", "python/name:os.system",
                "python/module:os", "python/object:pathlib.Path {}", "python/tuple [1]", "binary aGk=", "set {a, b}",
                "omap [a: 1]", "int x", "float y", "timestamp z", "bool maybe", "null x", "map [1]", "seq {a: 1}"):  # fmt: skip
        yield f"tag !!{tag}", f"model_card: {{owners: !!{tag}}}\n", REFUSED
    yield "a tag of ours", "model_card: {owners: !env HOME}\n", REFUSED
    yield "a full tag", "model_card: {owners: !<tag:yaml.org,2002:python/name:os.system> ''}\n", REFUSED
    yield "a tag handle", "model_card: {owners: !x!y z}\n", REFUSED
    for value in (
        "[1]",
        "{a: 1}",
        "3",
        "3.5",
        "1.0e+400",
        "true",
        "yes",
        "2013-01-01",
        "2013-13-45",
        "0x1F",
        "9" * 5000,
        "~",
    ):
        yield f"model_card.owners of {value[:12]}", f"model_card: {{owners: {value}}}\n", REFUSED
    for value in MARKUP_TEXTS:
        yield (
            f"model_card.owners of {value!r}",
            f"model_card: {{owners: {yaml.safe_dump(value, default_style=chr(34)).strip()}}}\n",
            ACCEPTED,
        )
    yield "a NUL, escaped", 'model_card: {owners: "a\\0b"}\n', REFUSED
    yield "a lone surrogate", 'model_card: {owners: "\\ud800"}\n', REFUSED
    yield "a character that is none", 'model_card: {owners: "\\uffff"}\n', EITHER
    yield "a very long word", f"model_card: {{owners: {'x' * 100_000}}}\n", ACCEPTED
    yield "very long unknown keys", "".join(f"{'k' * 10_000}{n}: 1\n" for n in range(50)), REFUSED
    yield "an unknown key of markup", "'[/red]{{7*7}}\\e': 1\n", REFUSED
    yield "an unknown key that a terminal would obey", '"\\e[2J\\e]0;x\\a": 1\n', REFUSED
    yield (
        "50,000 columns to leave out",
        f"features: {{exclude: [{', '.join(f'c{n}' for n in range(50_000))}]}}\n",
        REFUSED,
    )
    yield "3 MB of unknown keys", "".join(f"key_{n}: {n}\n" for n in range(150_000)), REFUSED


def _file_cases() -> Iterator[tuple[str, Callable[[str], bytes], str]]:
    yield "empty", lambda _: b"", REFUSED
    yield "spaces", lambda _: b"   \n \n", REFUSED
    yield "a comment alone", lambda _: b"# nothing\n", REFUSED
    yield "a word", lambda _: b"name", REFUSED
    yield "a list", lambda _: b"- name: rows\n", REFUSED
    yield "noise", lambda _: random.Random(0).randbytes(5000), REFUSED
    yield "NULs", lambda _: b"\0" * 4096, REFUSED
    yield "a NUL in it", lambda text: text.encode().replace(b"rows", b"ro\0ws", 1), REFUSED
    yield "latin-1", lambda text: text.encode() + "model_card: {owners: é}\n".encode("latin-1"), REFUSED
    yield "utf-16", lambda text: text.encode("utf-16"), REFUSED
    yield "utf-32", lambda text: text.encode("utf-32"), REFUSED
    yield "utf-7", lambda text: text.encode("utf-7"), EITHER
    yield "a byte-order mark", lambda text: text.encode("utf-8-sig"), ACCEPTED
    yield "two byte-order marks", lambda text: b"\xef\xbb\xbf" + text.encode("utf-8-sig"), EITHER
    yield "lines end as on Windows", lambda text: text.replace("\n", "\r\n").encode(), ACCEPTED
    yield "lines end as on old Macs", lambda text: text.replace("\n", "\r").encode(), EITHER
    yield "a surrogate in UTF-8", lambda text: text.encode() + b"model_card: {owners: '\xed\xa0\x80'}\n", REFUSED
    yield "half a character", lambda text: text.encode() + b"# \xe2\x82", REFUSED
    yield "an escape", lambda text: text.encode() + b"model_card: {owners: '\x1b[2J'}\n", REFUSED
    yield "10 MB of spaces", lambda text: text.encode() + b" " * (10 << 20), REFUSED
    yield "10 MB of comments", lambda text: text.encode() + b"# x\n" * (10 << 18), REFUSED
    yield "10 MB of one word", lambda text: text.encode() + b"x" * (10 << 20), REFUSED
    yield "3 MB of comments", lambda text: text.encode() + b"# x\n" * (3 << 18), ACCEPTED
    yield "gzip", lambda _: b"\x1f\x8b\x08\0\0\0\0\0", REFUSED
    yield "pickle", lambda _: b"\x80\x04cos\nsystem\n(S'true'\ntR.", REFUSED
    yield "json", lambda text: __import__("json").dumps(yaml.safe_load(text)).encode(), ACCEPTED
    yield "html", lambda _: b"<html><body>404</body></html>", REFUSED


def _path_cases() -> Iterator[tuple[str, Mutation, str]]:
    def instead(name: str, make: Callable[[Path], object]) -> Mutation:
        def spoil(folder: Path, rng: random.Random) -> list[str]:
            (folder / name).rename(folder / f"kept-{name}")
            make(folder / name)
            return []

        return spoil

    for name in ("rows.yaml", "rows.pbtxt"):
        yield f"{name} is not there", instead(name, lambda _: None), REFUSED
        yield f"{name} is a folder", instead(name, Path.mkdir), REFUSED
        yield f"{name} is a pipe that nobody writes to", instead(name, os.mkfifo), REFUSED
        yield f"{name} is a link to nothing", instead(name, lambda path: path.symlink_to("nowhere")), REFUSED
        yield f"{name} is a link to itself", instead(name, lambda path: path.symlink_to(path)), REFUSED
        yield (
            f"{name} is a link to a good one",
            instead(name, lambda path: path.symlink_to(f"kept-{path.name}")),
            ACCEPTED,
        )
        yield f"{name} is a link to a folder", instead(name, lambda path: path.symlink_to(path.parent)), REFUSED
        for device in ("/dev/zero", "/dev/null", "/proc/self/mem", "/proc/self/environ"):
            yield f"{name} is a link to {device}", instead(name, partial(Path.symlink_to, target=device)), REFUSED
