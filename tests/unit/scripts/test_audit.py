import json

import pytest

from flightline.releases.requirements_lock import Pin
from scripts.audit import Advisory, known_reasons, parse_audit_output, print_report, public_pin

ANSWER = {
    "dependencies": [
        {"name": "good", "version": "1.0", "vulns": []},
        {"name": "bad", "version": "2.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.1"]}]},
    ]
}
BAD = Advisory("bad", "2.0", "PYSEC-1", ("CVE-1",), ("2.1",))


def test_an_answer_is_read():
    assert parse_audit_output(json.dumps(ANSWER)) == [BAD]


@pytest.mark.parametrize(
    "text", ["", "no json", json.dumps({"dependencies": [{"name": "x", "skip_reason": "not found on PyPI"}]})]
)
def test_what_is_no_whole_answer_is_none(text):
    with pytest.raises(ValueError, match=r"x|Expecting"):
        parse_audit_output(text)


def test_one_that_nobody_knew_fails(capsys):
    assert print_report([BAD], {}) == 1
    assert "NEW    bad 2.0  PYSEC-1  mended in 2.1" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_one_that_is_known_is_shown_with_its_reason(capsys, name):
    assert print_report([BAD], {name: "its fix needs TFX 1.22"}) == 0
    assert "its fix needs TFX 1.22" in capsys.readouterr().out


def test_an_entry_that_applies_no_more_is_told(capsys):
    assert print_report([], {"CVE-9": "old"}) == 0
    assert "CVE-9 is in audit-known.yaml and found no more" in capsys.readouterr().out


def test_the_list_of_what_is_known_says_why():
    assert all(len(reason) > 20 for reason in known_reasons().values())


def test_a_local_version_is_left_out():
    assert public_pin(Pin("torch", "2.1+cpu", "", (), ())) == "torch==2.1"
