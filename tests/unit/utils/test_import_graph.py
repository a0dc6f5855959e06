import pytest

from flightline.utils.import_graph import import_closure


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `userland` on the path: a → b (inside a function) → c (relative) → a again."""
    folder = tmp_path / "userland" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "userland" / "__init__.py").touch()
    (folder / "__init__.py").touch()
    (tmp_path / "userland" / "a.py").write_text("import os\ndef f():\n    from userland import b\n")
    (tmp_path / "userland" / "b.py").write_text("from .deep.c import thing\n")
    (folder / "c.py").write_text("from .. import a\nimport json\nthing = 1\n")
    (tmp_path / "userland" / "unused.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "userland"


def test_imports_are_followed_at_any_level(package):
    names = {"userland", "userland.a", "userland.b", "userland.deep", "userland.deep.c"}
    assert set(import_closure(["userland.a"])) == names


def test_modules_that_are_not_imported_and_third_party_modules_are_left_out(package):
    assert "userland.unused" not in import_closure(["userland.a"])
    assert not {"os", "json"} & set(import_closure(["userland.a"]))


def test_imports_for_annotations_alone_are_left_out(package):
    (package / "a.py").write_text(
        "import typing\nif typing.TYPE_CHECKING:\n    from userland import b\nelse:\n    from userland import unused\n"
    )
    assert set(import_closure(["userland.a"])) == {"userland", "userland.a", "userland.unused"}


def test_preprocessing_does_not_depend_on_the_network():
    assert "flightline.modeling.layers" not in import_closure(["models.preprocessing"])
    assert {"flightline.modeling.layers", "flightline.config.feature_plan"} <= set(import_closure(["models.trainer"]))


def test_a_missing_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"there is no module models\.nothing"):
        import_closure(["models.nothing"])
