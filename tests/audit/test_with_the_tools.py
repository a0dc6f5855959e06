"""With the tools themselves: CycloneDX's validator on our bills, and pip-audit on a list as we write it."""

import json
import subprocess
from dataclasses import replace

from bills import a_bill
from reports import HOSTILE

from pipeline.config import CardConfig
from pipeline.sbom import cyclonedx
from scripts.audit import HOME

VALIDATE = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
bills = {name: validator.validate_str(json.dumps(bill)) for name, bill in json.load(sys.stdin).items()}
print(json.dumps({name: str(problem or "valid") for name, problem in bills.items()}))
"""


def test_cyclonedx_s_validator_takes_our_bills_and_no_other(tmp_path):
    """In one process: loading the validator takes longer than all of them."""
    bare = a_bill(tmp_path, pins=[], metrics={}, card=CardConfig())
    bare = replace(bare, origin=replace(bare.origin, commit=None, inputs={}, versions={}))
    bills = {
        "ordinary": cyclonedx(a_bill(tmp_path)),
        "without words": cyclonedx(a_bill(tmp_path, "", pins=[])),
        "hostile": cyclonedx(a_bill(tmp_path, HOSTILE, pins=[])),
        "bare": cyclonedx(bare),
        "spoilt": cyclonedx(bare),
    }
    bills["spoilt"]["components"][0]["hashes"][0]["content"] = "no digest"
    command = [str(HOME / "bin" / "python"), "-c", VALIDATE]
    ended = subprocess.run(command, input=json.dumps(bills), capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    assert "no digest" in found.pop("spoilt")
    assert found == dict.fromkeys(found, "valid")


def test_pip_audit_takes_a_list_as_we_write_it(tmp_path):
    """Without asking anybody: it reads the list, and says that it would audit it."""
    listed = tmp_path / "requirements.txt"
    listed.write_text("jinja2==3.1.2\npyyaml==6.0.1\n")
    command = [str(HOME / "bin" / "pip-audit"), "--requirement", str(listed), "--no-deps", "--disable-pip", "--dry-run"]
    ended = subprocess.run([*command, "--progress-spinner=off"], capture_output=True, text=True, check=True)
    assert "would have audited 2 packages" in ended.stderr
