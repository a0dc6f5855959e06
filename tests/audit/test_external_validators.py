"""With the tools themselves: CycloneDX's validator on our bills, and pip-audit on a list as we write it."""

import json
import subprocess
from dataclasses import replace

from report_examples import HOSTILE_TEXT
from sbom_examples import make_bill

from flightline.config.release import ModelCardConfig
from flightline.releases.sbom import build_cyclonedx
from scripts.audit import VENV_DIR

VALIDATE = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
bills = {name: validator.validate_str(json.dumps(bill)) for name, bill in json.load(sys.stdin).items()}
print(json.dumps({name: str(problem or "valid") for name, problem in bills.items()}))
"""


def test_the_cyclonedx_validator_accepts_our_sboms_and_rejects_invalid_ones(tmp_path):
    """In one process: loading the validator takes longer than all of them."""
    bare = make_bill(tmp_path, pins=[], metrics={}, card=ModelCardConfig())
    bare = replace(bare, provenance=replace(bare.provenance, commit=None, inputs={}, versions={}))
    bills = {
        "ordinary": build_cyclonedx(make_bill(tmp_path)),
        "without words": build_cyclonedx(make_bill(tmp_path, "", pins=[])),
        "hostile": build_cyclonedx(make_bill(tmp_path, HOSTILE_TEXT, pins=[])),
        "bare": build_cyclonedx(bare),
        "spoilt": build_cyclonedx(bare),
    }
    bills["spoilt"]["components"][0]["hashes"][0]["content"] = "no digest"
    command = [str(VENV_DIR / "bin" / "python"), "-c", VALIDATE]
    ended = subprocess.run(command, input=json.dumps(bills), capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    assert "no digest" in found.pop("spoilt")
    assert found == dict.fromkeys(found, "valid")


def test_pip_audit_reads_our_requirements_list(tmp_path):
    """Without asking anybody: it reads the list, and says that it would audit it."""
    listed = tmp_path / "requirements.txt"
    listed.write_text("jinja2==3.1.2\npyyaml==6.0.1\n")
    command = [
        str(VENV_DIR / "bin" / "pip-audit"),
        "--requirement",
        str(listed),
        "--no-deps",
        "--disable-pip",
        "--dry-run",
    ]
    ended = subprocess.run([*command, "--progress-spinner=off"], capture_output=True, text=True, check=True)
    assert "would have audited 2 packages" in ended.stderr
