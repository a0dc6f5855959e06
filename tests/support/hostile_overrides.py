"""Values of `--set` gone wrong, and texts that a terminal, rich or a template would obey."""

# ruff: noqa: E501 - tables of cases, one after another

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import yaml
from hostile_schemas import ACCEPTED, EITHER, REFUSED

MARKUP_TEXTS = (
    "[/red]",
    "[bold",
    "{{7*7}}",
    "{% for x in y %}",
    "<script>",
    "\x1b[2J",
    "%s%n",
    "${HOME}",
    "a\u202eb",
    "'\"`",
    "\n",
)


def yaml_bomb(width: int, levels: int) -> str:
    """Billion laughs: each level is `width` times the one before."""
    names = [f"l{number}" for number in range(levels)]
    lines = [f"{names[0]}: &{names[0]} [x, x]"]
    lines += [f"{now}: &{now} [{', '.join([f'*{before}'] * width)}]" for before, now in pairwise(names)]
    return "\n".join(lines) + "\n"


def override_cases() -> Iterator[tuple[str, str]]:
    for key in (
        "name",
        "label",
        "schema",
        "data.input",
        "data.pattern",
        "workspace",
        "pipeline_root",
        "user_code.run_fn",
    ):
        for value in ("[1]", "{a: 1}", "7", "true", "", "a\0b"):
            yield f"{key}={value}", EITHER if (key, value) == ("pipeline_root", "") else REFUSED
    for name in ("../up", "/etc/passwd", "a/b", "A", "a b", "é", "a" * 64, ".", "-rf", "rows\n", *MARKUP_TEXTS):
        yield f"name={yaml.safe_dump(name, default_style=chr(34))}", REFUSED
    for pattern in ("../*.csv", "/etc/*", "a/../../b", "..", "**x", ".", "~/*.csv", "[", "*" * 2000, "{SPAN}/{SPAN}", "{VERSION}",
                    "{SPAN:0}/*", "{SPAN:99999999999}/*", "{YYYY}/*", "{SPAN", "a" * 5000, "x\n.csv", *MARKUP_TEXTS):  # fmt: skip
        of_stars = EITHER if set(pattern) == {"*"} else REFUSED  # from Python 3.13 on many of them are one
        yield f"data.pattern={yaml.safe_dump(pattern, default_style=chr(34), width=10_000)}", of_stars
    for span in ("-1", "1.5", "9" * 30, "1e3", "true", "2013-01-01", "0x10", "nan", "'1'"):
        yield f"data.span={span}", REFUSED
    for key, values in {
        "train.epochs": ("true", "1.5", "nan", ".inf", "1e400", "9" * 25, "9" * 5000, "-1", "0", "many", "null", "2013-01-01", "[3]"),
        "train.learning_rate": ("true", "nan", ".nan", "'nan'", ".inf", "inf", "1e400", "-1", "x", "null"),
        "evaluation.thresholds": ("3", "[AUC]", "{AUC: 1}", "{AUC: {lower: .nan}}", "{AUC: {lower: nan}}", "{AUC: {lower: true}}",
                                  "{AUC: {upper: .inf}}", "{AUC: {}}", "{'[/red]': {lower: 1}}", "{1: {lower: 1}}"),
        "gate.max_rejected": ("{unparsable: .nan}", "{unparsable: 2}", "{unparsable: true}", "{'{{7*7}}': 0.1}", "0.1"),
        "data.splits": ("{train: 1, eval: 0}", "{train: true, eval: 1}", "{train: 1, eval: 99999999999999999999}", "[1, 2]", "{}"),
        "positive_label": ("true", ".nan", "[1]", "{a: 1}", "2013-01-01", "99999999999999999999"),
        "serving.http_port": ("0", "65536", "-1", "true", "http", "1e3"),
        "serving.log.flush_s": ("0", ".inf", "nan", "true"),
        "monitoring.webhook": ("file:///etc/passwd", "ftp://h/x", "javascript:x", "https://u:p@h/x", "https://", "http://[", "x"),
        "tracking.mlflow": ("file:///x", "http://u:p@h", "sqlite:///", "http://[", "ftp://h", "true"),
        "user_code.run_fn": ("os", "os.system('x')", "../x.y", "a..b", "__import__('os')", "'a.b\\n'", '"a.b\\n"', "[/red].x"),
        "evaluation.slices": ("[[y]]", "[a]", "[[[a]]]", "[['[/red]']]", "[[1]]", "3"),
        "features.exclude": ("[[a]]", "['{{7*7}}']", "[a, a, y, zz]", "a", "[true]"),
        "engines.beam_arguments": ("[--runner=x]", "['x']", "[1]", "--x"),
    }.items():  # fmt: skip
        for value in values:
            yield f"{key}={value}", REFUSED
    for override in ("", "=", "a", "a.=1", ".a=1", "a..b=1", "name.x=1", "train=3", "train=[", "=x", "[/red]=1", "\udc80=\udc80",
                     "\x1b[2J=1", "a=" + "[" * 100_000, f"model_card={{{yaml_bomb(9, 9)}}}", "a." * 5000 + "b=1", "train.epochs=1" + "0" * 10_000):  # fmt: skip
        yield override, REFUSED
    for override in ("train.epochs=3", "train={epochs: 3}", "label=y", "data.pattern=*.csv", "data.pattern='**/*.csv'", "model_card.limits='[/red]'",
                     "monitoring.webhook=https://host.example/x", "train.learning_rate=1e-3"):  # fmt: skip
        yield override, ACCEPTED
