import json

import pytest

from flightline.releases.requirements_lock import Pin
from scripts.audit import (
    AUDITED_LOCKS,
    LAST_AUDIT,
    Advisory,
    describe_last_audit,
    known_reasons,
    lock_digests,
    parse_audit_output,
    print_report,
    public_pin,
    write_record,
)
from scripts.repository import REPOSITORY

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


def test_a_completed_audit_is_recorded_and_shown_where_none_can_run(tmp_path):
    record = tmp_path / "audit-last.json"
    assert "no audit is on record" in describe_last_audit(record, {"the server": "a"})
    write_record(record, [BAD], {"CVE-1": "its fix needs TFX 1.22"}, {"the server": "a"})
    content = json.loads(record.read_text())
    assert content["advisories"] == [{"advisory": str(BAD), "accepted": "its fix needs TFX 1.22"}]
    assert "1 advisories; the locks have not changed since" in describe_last_audit(record, {"the server": "a"})
    assert "changed since: the lock of the server" in describe_last_audit(record, {"the server": "b"})


def test_the_security_page_says_whether_an_audit_is_on_record():
    page = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    assert ("there is no record yet" in page) == (not LAST_AUDIT.exists())
    assert set(lock_digests()) == {name for name, _, _ in AUDITED_LOCKS}
