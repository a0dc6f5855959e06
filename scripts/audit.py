"""Check every locked package for known vulnerabilities, with pip-audit in an environment of its own.

python -m scripts.audit setup     makes the environment, .cache/audit
python -m scripts.audit           audits requirements.lock, for both TFX versions, and the server's lock

scripts/audit-known.yaml lists the advisories that are known and cannot be fixed yet, each with its reason. They are
shown, and so are entries that no longer apply. The exit code is 1 if an advisory is not listed, and 75 if the
advisories cannot be reached. An audit that ran is recorded in scripts/audit-last.json, to be committed: its date, the
locks and what it found. Where none can run, the last record is shown, and whether a lock has changed since.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from flightline.errors import UsageError, format_names, print_error
from flightline.releases.requirements_lock import Pin, parse_pins, select_pins
from flightline.utils.files import atomic_write
from flightline.utils.hashing import file_digest
from flightline.utils.safe_yaml import parse_yaml
from scripts.repository import REPOSITORY
from scripts.tool_environment import EXIT_UNAVAILABLE, ensure_environment

LOCK = REPOSITORY / "requirements.lock"
VENV_DIR = REPOSITORY / ".cache" / "audit"
REQUIREMENTS = Path(__file__).with_name("audit.txt")
LAST_AUDIT = Path(__file__).with_name("audit-last.json")
KNOWN_ADVISORIES = Path(__file__).with_name("audit-known.yaml")
AUDITED_LOCKS = (
    ("TFX 1.16, Python 3.10", LOCK, "3.10.13"),
    ("TFX 1.21, Python 3.13", LOCK, "3.13.0"),
    ("the server", REPOSITORY / "flightline" / "serving" / "requirements.lock", "3.10.13"),
)


class AdvisoriesUnavailable(UsageError):
    """The advisories cannot be reached from this machine."""


@dataclass(frozen=True)
class Advisory:
    """An advisory that applies to a locked version; `fixed` are the versions without the vulnerability."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed)}" if self.fixed else "no fixed version"
        return f"{self.package} {self.version}  {self.id}  {fixed}"


def main(words: list[str]) -> int:
    """Audit and print the result; returns the exit code."""
    try:
        tools = ensure_environment("pip-audit", VENV_DIR, REQUIREMENTS)
        if words == ["setup"]:
            return 0
        reasons = known_reasons()
        parts = {
            name: select_pins(parse_pins(lock.read_text(encoding="utf-8")), python)
            for name, lock, python in AUDITED_LOCKS
        }
        # One package first: it shows quickly whether the advisories can be reached.
        query_advisories(tools / "pip-audit", next(iter(parts.values()))[:1])
        found: dict[tuple[str, str, str], Advisory] = {}
        for name, pins in parts.items():
            print(f"{name}: {len(pins)} packages", flush=True)
            found |= {(one.package, one.version, one.id): one for one in query_advisories(tools / "pip-audit", pins)}
    except UsageError as error:
        print_error(sys.stderr, error)
        print(describe_last_audit(LAST_AUDIT, lock_digests()))
        return EXIT_UNAVAILABLE
    write_record(LAST_AUDIT, [found[key] for key in sorted(found)], reasons, lock_digests())
    return print_report([found[key] for key in sorted(found)], reasons)


def print_report(found: list[Advisory], reasons: dict[str, str]) -> int:
    """Print new advisories, known ones with their reasons, and entries that no longer apply; returns the exit code."""
    entries = [next((name for name in (one.id, *one.aliases) if name in reasons), "") for one in found]
    for advisory, entry in zip(found, entries, strict=True):
        print(f"known  {advisory}: {reasons[entry]}" if entry else f"NEW    {advisory}")
    for name in sorted(set(reasons) - set(entries)):
        print(f"stale  {name} is in {KNOWN_ADVISORIES.name} and applies to no locked package: remove it")
    print(f"{len(found)} advisories: {entries.count('')} new, {len(found) - entries.count('')} known")
    return 1 if "" in entries else 0


def lock_digests() -> dict[str, str]:
    """What is audited → the digest of its lock."""
    return {name: file_digest(lock) for name, lock, _ in AUDITED_LOCKS}


def write_record(file: Path, found: list[Advisory], reasons: dict[str, str], locks: dict[str, str]) -> None:
    """Record a completed audit: its date, the locks, and the advisories, each with the reason why it is accepted."""
    listed = [
        {
            "advisory": str(advisory),
            "accepted": next((reasons[name] for name in (advisory.id, *advisory.aliases) if name in reasons), None),
        }
        for advisory in found
    ]
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    atomic_write(file, json.dumps({"date": date, "locks": locks, "advisories": listed}, indent=2) + "\n")


def describe_last_audit(file: Path, locks: dict[str, str]) -> str:
    """Say when the last recorded audit ran, what it found, and which locks have changed since."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"no audit is on record ({file.name}): nothing is known of advisories for the locked versions"
    changed = [name for name, digest in locks.items() if record["locks"].get(name) != digest]
    since = f"; changed since: the lock of {', '.join(changed)}" if changed else "; the locks have not changed since"
    return f"the last audit on record ran at {record['date']}: {len(record['advisories'])} advisories{since}"


def known_reasons() -> dict[str, str]:
    """Advisory → the reason why it is accepted."""
    return {
        str(name): str(reason)
        for name, reason in (parse_yaml(KNOWN_ADVISORIES.read_text(encoding="utf-8")) or {}).items()
    }


def query_advisories(pip_audit: Path, pins: Iterable[Pin]) -> list[Advisory]:
    """The advisories for these packages.

    Raises:
        AdvisoriesUnavailable: they cannot be reached.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{public_pin(pin)}\n" for pin in pins), encoding="utf-8")
        options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=15"]
        command = [str(pip_audit), "--requirement", str(requirements), *options]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return parse_audit_output(completed.stdout)
    except (ValueError, KeyError) as error:
        message = " ".join((completed.stderr if not completed.stdout else str(error)).split())[-300:]
        raise AdvisoriesUnavailable(
            f"the advisories cannot be reached: {message}", "audit where the network allows it"
        ) from error


def public_pin(pin: Pin) -> str:
    """A pin without a local version such as +cpu, which no advisory names."""
    return f"{pin.name}=={pin.version.partition('+')[0]}"


def parse_audit_output(text: str) -> list[Advisory]:
    """Parse pip-audit's JSON. Raises ValueError where the text is not that, or packages were skipped."""
    packages = json.loads(text)["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        raise ValueError(f"pip-audit skipped {format_names(skipped, 5)}")
    return [
        Advisory(p["name"], p["version"], v["id"], tuple(v.get("aliases", ())), tuple(v.get("fix_versions", ())))
        for p in packages
        for v in p["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
