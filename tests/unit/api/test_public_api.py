"""The public names are complete, sorted and documented, and importing them is cheap."""

import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import flightline as fl
from flightline import errors

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("tensorflow", "tfx", "apache_beam", "keras", "tensorflow_model_analysis", "mlflow", "pandas")


def run_python(script):
    """What a new interpreter prints."""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def test_every_public_name_is_in_all_and_sorted():
    imported = {name for name in dir(fl) if not name.startswith("_")}
    submodules = {name for name in imported if inspect.ismodule(getattr(fl, name))}
    machinery = {"annotations", "import_module", "Any", "TYPE_CHECKING"}
    assert sorted(imported - submodules - machinery) == fl.__all__
    assert sorted(fl.__all__) == fl.__all__


@pytest.mark.parametrize("name", fl.__all__)
def test_a_public_name_has_a_docstring_and_the_module_flightline(name):
    value = getattr(fl, name)
    assert inspect.getdoc(value)
    assert value.__module__ == "flightline"
    assert value.__name__ == name


def test_every_error_of_the_tree_is_public():
    classes = {name: value for name, value in vars(errors).items() if inspect.isclass(value) and name[0] != "_"}
    tree = {name for name, value in classes.items() if issubclass(value, Exception)}
    assert tree <= set(fl.__all__)
    for name in tree:
        assert getattr(fl, name) is getattr(errors, name)


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(fl.StepFailed("Trainer failed")))
    assert isinstance(error, errors.StepFailed)
    assert str(error) == "Trainer failed"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Pipeline'"):
        fl.Pipeline  # noqa: B018 - reading it is what raises


def test_import_loads_no_other_module_and_takes_less_than_half_a_second():
    script = (
        "import sys, time; started = time.perf_counter(); import flightline; took = time.perf_counter() - started;"
        "loaded = [m for m in sys.modules if m.startswith('flightline.')];"
        "print(loaded, {'pydantic', 'ml_metadata', 'yaml'} & set(sys.modules), took < 0.5)"
    )
    assert run_python(script) == "[] set() True"


def test_open_is_imported_without_tensorflow_and_pandas():
    script = f"import sys, flightline; flightline.open; print([m for m in {HEAVY} if m in sys.modules])"
    assert run_python(script) == "[]"
