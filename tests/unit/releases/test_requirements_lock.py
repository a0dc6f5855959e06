import re
from hashlib import sha256

import pytest

from flightline.errors import UsageError
from flightline.releases.requirements_lock import find_lock_text, parse_pins, select_pins
from scripts.repository import REPOSITORY

LOCK = REPOSITORY / "requirements.lock"
TEXT = LOCK.read_text()
SERVING = (REPOSITORY / "flightline" / "serving" / "requirements.lock").read_text()


@pytest.mark.parametrize("text", [TEXT, SERVING], ids=["requirements.lock", "serving"])
def test_every_pin_is_read_with_its_hashes(text):
    pins = parse_pins(text)
    assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 50
    assert all(pin.hashes for pin in pins)
    assert sum(len(pin.hashes) for pin in pins) == text.count("--hash=sha256:")


@pytest.mark.parametrize(("python", "tfx"), [("3.10.13", "1.16.0"), ("3.13.0", "1.21.0")])
def test_each_package_has_one_version_for_a_python(python, tfx):
    pins = select_pins(parse_pins(TEXT), python)
    versions = {pin.name: pin.version for pin in pins}
    assert len(versions) == len(pins) > 250
    assert versions["tfx"] == tfx


def test_a_pin_names_the_packages_that_require_it():
    [absl] = [pin for pin in select_pins(parse_pins(TEXT), "3.10.13") if pin.name == "absl-py"]
    assert {"keras", "tensorflow", "tfx"} <= set(absl.via)


def test_a_lock_is_found_by_its_digest():
    assert find_lock_text(sha256(LOCK.read_bytes()).hexdigest(), None) == TEXT
    with pytest.raises(UsageError, match="cannot be found"):
        find_lock_text("0" * 64, None)
    with pytest.raises(UsageError, match="check out commit 0123456789ab"):
        find_lock_text("0" * 64, "0123456789abcdef")
