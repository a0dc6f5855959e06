"""What the code must not do, held against its syntax: run what a file holds, open a shell, print a value unescaped."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("flightline", "pipeline", "models", "scripts", "data", "benchmarks")
# Baselines, kept as a user would write them; nothing of a release comes from them.
ELSEWHERE = {"stock_pipeline.py", "stock_module.py", "bare_script.py"}
RUN_WHAT_A_FILE_HOLDS = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "jsonpickle",
}
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.dump", "yaml.dump_all"),
    *("tempfile.mktemp", "ssl._create_unverified_context"),
}
FROM_TEXT = {"Template", "from_string", "render_template_string"}
ONLY = {"shell": False, "autoescape": True, "verify": True, "safe_mode": True, "allow_pickle": False}
THE_ONE_READER_OF_YAML = "flightline/utils/safe_yaml.py"
SOURCES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted([*ROOT.glob("*.py"), *(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))])
    if path.name not in ELSEWHERE
}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """(dotted name as it is written, call) of every call."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((given.value for given in call.keywords if given.arg == name), None)


def imported(tree: ast.AST) -> set[str]:
    """Every module that is imported, and each name from one."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def problems(file: str, tree: ast.AST) -> list[str]:
    found = [f"imports {name}" for name in imported(tree) if name.split(".")[0] in RUN_WHAT_A_FILE_HOLDS]
    found += [f"calls {name}" for name, _ in calls(tree) if name in FORBIDDEN]
    for name, call in calls(tree):
        if file.startswith(("flightline", "pipeline", "models")) and name.startswith("yaml.safe_load"):
            found.append(f"reads YAML with {name} and not with {THE_ONE_READER_OF_YAML}")
        if name.rsplit(".", 1)[-1] in FROM_TEXT:
            found.append(f"{name}: a template is a file of ours, never a text")
        found += [f"gives {word} other than {only}" for word, only in ONLY.items() if not_only(call, word, only)]
        if name in {"Environment", "jinja2.Environment"} and keyword(call, "autoescape") is None:
            found.append("a jinja environment without autoescape")
    return found


def not_only(call: ast.Call, word: str, only: bool) -> bool:
    given = keyword(call, word)
    return given is not None and not (isinstance(given, ast.Constant) and given.value is only)


@pytest.mark.parametrize("file", SOURCES)
def test_no_reader_executes_code_from_its_input(file):
    assert problems(file, SOURCES[file]) == []


def test_yaml_is_read_by_the_safe_loader_alone():
    text = (ROOT / THE_ONE_READER_OF_YAML).read_text(encoding="utf-8")
    assert set(re.findall(r"\w*Loader\b", text)) == {
        "SafeLoader",
        "CSafeLoader",
        "Loader",
        "_BaseLoader",
        "_StrictLoader",
    }
    assert set(re.findall(r"Loader=(\w+)", text)) == {"_BaseLoader"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import pickle", "imports pickle"),
        ("from dill import loads", "imports dill"),
        ("eval(x)", "calls eval"),
        ("subprocess.run(x, shell=True)", "gives shell"),
        ("os.system(x)", "calls os.system"),
        ("yaml.load(x, Loader=y)", "calls yaml.load"),
        ("yaml.safe_load(x)", "reads YAML"),
        ("Environment(loader=x)", "without autoescape"),
        ("Environment(autoescape=select)", "gives autoescape"),
        ("environment.from_string(x)", "never a text"),
        ("requests.get(x, verify=False)", "gives verify"),
    ],
)
def test_the_check_detects_unsafe_code(code, told):
    assert any(told in problem for problem in problems("flightline/x.py", ast.parse(code)))


def test_no_template_marks_a_value_as_safe():
    for page in (ROOT / "flightline" / "reporting" / "html" / "templates").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text


def test_one_module_makes_markup_from_escaped_values():
    makers = {
        file
        for file, tree in SOURCES.items()
        for name, call in calls(tree)
        if name == "Markup" and call.args and not isinstance(call.args[0], ast.Constant)
    }
    assert makers == {"flightline/reporting/html/svg.py", "flightline/api/pictures.py"}


def test_rich_is_given_text_by_our_escape_alone():
    """It also spells out what a terminal would obey."""
    assert {file for file, tree in SOURCES.items() if "rich.markup.escape" in imported(tree)} == set()
