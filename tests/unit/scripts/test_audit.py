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


def test_pip_audit_s_output_is_parsed():
    assert parse_audit_output(json.dumps(ANSWER)) == [BAD]


@pytest.mark.parametrize(
    "text", ["", "no json", json.dumps({"dependencies": [{"name": "x", "skip_reason": "not found on PyPI"}]})]
)
def test_incomplete_output_is_an_error(text):
    with pytest.raises(ValueError, match=r"x|Expecting"):
        parse_audit_output(text)


def test_a_new_advisory_fails(capsys):
    assert print_report([BAD], {}) == 1
    assert "NEW    bad 2.0  PYSEC-1  fixed in 2.1" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_a_known_advisory_is_shown_with_its_reason(capsys, name):
    assert print_report([BAD], {name: "its fix needs TFX 1.22"}) == 0
    assert "its fix needs TFX 1.22" in capsys.readouterr().out


def test_a_stale_entry_is_reported(capsys):
    assert print_report([], {"CVE-9": "old"}) == 0
    assert "CVE-9 is in audit-known.yaml and applies to no locked package" in capsys.readouterr().out


def test_every_known_advisory_has_a_reason():
    assert all(len(reason) > 20 for reason in known_reasons().values())


def test_a_local_version_is_removed():
    assert public_pin(Pin("torch", "2.1+cpu", "", (), ())) == "torch==2.1"
