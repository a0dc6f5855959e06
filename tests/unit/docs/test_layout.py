"""README and architecture page list the rooms and layers of the library."""

import re

from scripts.repository import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = {path.parent.name for path in (REPOSITORY / "flightline").glob("*/__init__.py")}


def test_the_readme_is_shorter_than_150_lines():
    assert len(README.splitlines()) < 150


def test_the_readme_lists_every_room_of_the_library():
    tree = README.split("## The tree", 1)[1].split("## ", 1)[0]
    assert set(re.findall(r"^    (\w+)/ ", tree, re.MULTILINE)) == ROOMS


def test_the_architecture_page_describes_every_room():
    assert set(re.findall(r"^\| `flightline/(\w+)/` \|", ARCHITECTURE, re.MULTILINE)) == ROOMS


def test_the_layer_picture_has_the_layers_of_the_import_contract_in_order():
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    contract = pyproject.split("layers = [", 1)[1].split("]", 1)[0]
    layers = [re.findall(r"\w+", layer) for layer in re.findall(r'"([^"]+)"', contract)]
    picture = ARCHITECTURE.split("```", 2)[1]
    drawn = [
        [name for name in re.findall(r"\w+", line.split("│")[1]) if name in {*ROOMS, "errors"}]
        for line in picture.splitlines()
        if line.startswith("           │ ")
    ]
    assert drawn == layers
