"""With the tools themselves: CycloneDX's validator on our bills, and pip-audit on a list as we write it."""

import json
import subprocess
from dataclasses import replace

import pytest
from bills import a_bill
from reports import HOSTILE

from pipeline.config import CardConfig
from pipeline.sbom import cyclonedx
from scripts.audit import HOME

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
print(problem or "valid")
"""


def validated(document):
    command = [str(HOME / "bin" / "python"), "-c", VALIDATE]
    return subprocess.run(
        command, input=json.dumps(document), capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("word", ["flights", "", HOSTILE])
def test_a_bill_is_valid(tmp_path, word):
    assert validated(cyclonedx(a_bill(tmp_path, word))) == "valid"


def test_one_of_little_is_valid_too(tmp_path):
    bill = a_bill(tmp_path, pins=[], metrics={}, card=CardConfig())
    bare = replace(bill, origin=replace(bill.origin, commit=None, inputs={}, versions={}))
    assert validated(cyclonedx(bare)) == "valid"


def test_the_validator_finds_what_is_wrong(tmp_path):
    document = cyclonedx(a_bill(tmp_path, pins=[]))
    document["components"][0]["hashes"][0]["content"] = "no digest"
    assert validated(document) != "valid"


def test_pip_audit_takes_a_list_as_we_write_it(tmp_path):
    """Without asking anybody: it reads the list, and says that it would audit it."""
    listed = tmp_path / "requirements.txt"
    listed.write_text("jinja2==3.1.2\npyyaml==6.0.1\n")
    command = [str(HOME / "bin" / "pip-audit"), "--requirement", str(listed), "--no-deps", "--disable-pip", "--dry-run"]
    ended = subprocess.run([*command, "--progress-spinner=off"], capture_output=True, text=True, check=True)
    assert "would have audited 2 packages" in ended.stderr
