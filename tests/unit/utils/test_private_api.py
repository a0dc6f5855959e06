"""Private names of a library, looked up in a small library of our own making."""

import importlib
import sys
from importlib.metadata import version

import pytest

from flightline.errors import PrivateApiChanged
from flightline.utils.private_api import PrivateApi, PrivateName

LIBRARY = """
_LIMIT = 3

def _add(left, right):
    return left + right

class _Counter:
    label: str

    def __init__(self):
        self._count = 0

    def _increase(self, step):
        self._count += step

class _Child(_Counter):
    pass
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "private_api_example.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    module = importlib.import_module("private_api_example")
    yield module
    monkeypatch.delitem(sys.modules, "private_api_example")


def make_api(*names):
    return PrivateApi("pytest", ("1.0", "2.0"), names)  # an installed distribution, so that it has a version


def test_names_are_reached_without_their_leading_underscore(library):
    api = make_api("private_api_example:_LIMIT", "private_api_example:_add", "private_api_example:_Counter._increase")
    assert (api.LIMIT, api.add(1, 2), api.increase) == (3, 3, library._Counter._increase)
    assert api.find_problem() == ""
    api.require()


def test_names_that_exist_may_be_declared_with_parameters_and_instance_attributes(library):
    api = make_api(
        PrivateName("private_api_example:_add", parameters=("left", "right")),
        PrivateName("private_api_example:_Child", instance_attributes=("_count", "label")),
    )
    assert api.find_problem() == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (PrivateName("private_api_example:_subtract"), "no longer has private_api_example._subtract"),
        (PrivateName("private_api_example:_Counter._reset"), "no longer has private_api_example._Counter._reset"),
        (PrivateName("no_such_module.inner:_add"), "no longer has no_such_module.inner._add"),
        (
            PrivateName("private_api_example:_add", parameters=("left", "scale", "offset")),
            "has private_api_example._add without the parameter offset, scale",
        ),
        (
            PrivateName("private_api_example:_Child", instance_attributes=("_count", "_total")),
            "has private_api_example._Child without the attribute _total",
        ),
    ],
)
def test_the_check_names_the_changed_private_names_and_the_versions(library, name, problem):
    api = make_api("private_api_example:_LIMIT", name)
    installed = f"pytest {version('pytest')} {problem}; Flightline was checked with 1.0 and 2.0"
    assert api.find_problem() == installed
    with pytest.raises(PrivateApiChanged) as raised:
        api.require()
    assert str(raised.value) == f"{installed}; install pytest 2.0, or update Flightline"


def test_the_check_sees_a_name_that_was_removed_after_its_module_was_imported(library, monkeypatch):
    api = make_api("private_api_example:_LIMIT", "private_api_example:_add")
    monkeypatch.delattr(library, "_add")
    monkeypatch.delattr(library, "_LIMIT")
    assert "no longer has private_api_example._LIMIT (and 1 more)" in api.find_problem()
    with pytest.raises(PrivateApiChanged, match=r"private_api_example\._add"):
        _ = api.add


def test_a_name_that_is_not_listed_is_an_attribute_error(library):
    with pytest.raises(AttributeError, match="LIMIT is not listed"):
        _ = make_api("private_api_example:_add").LIMIT


def test_two_names_with_the_same_alias_are_refused():
    with pytest.raises(ValueError, match="two private names are called run"):
        make_api("one:_run", "other:_run")


def test_a_replaced_name_is_put_back_after_an_error(library):
    api, stock = make_api("private_api_example:_Counter._increase"), library._Counter._increase

    def fail(self, step):
        raise RuntimeError(step)

    with pytest.raises(RuntimeError, match="2"), api.replace("increase", fail):
        library._Counter()._increase(2)
    assert library._Counter._increase is stock
