"""What the advisories say of every package that our locks pin, with pip-audit in an environment of its own.

python -m scripts.audit setup     makes the environment, .cache/audit
python -m scripts.audit           audits requirements.lock, for both TFX lines, and flightline/serving/requirements.lock

scripts/audit-known.yaml lists what is known and cannot be mended yet, each with its reason; it is shown, and an entry
that no longer applies is told as well. Ends with 1 where something is not listed, with 75 where the advisories cannot
be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flightline.errors import UsageError, format_names, print_error
from flightline.releases.requirements_lock import Pin, parse_pins, select_pins
from flightline.utils.safe_yaml import parse_yaml
from scripts.repository import REPOSITORY
from scripts.tool_environment import ensure_environment

LOCK = REPOSITORY / "requirements.lock"
VENV_DIR = REPOSITORY / ".cache" / "audit"
REQUIREMENTS = Path(__file__).with_name("audit.txt")
KNOWN_ADVISORIES = Path(__file__).with_name("audit-known.yaml")
EXIT_UNAVAILABLE = 75  # sysexits' EX_TEMPFAIL: not to be had here and now
AUDITED_LOCKS = (
    ("TFX 1.16, Python 3.10", LOCK, "3.10.13"),
    ("TFX 1.21, Python 3.13", LOCK, "3.13.0"),
    ("the server", REPOSITORY / "flightline" / "serving" / "requirements.lock", "3.10.13"),
)


class AdvisoriesUnavailable(UsageError):
    """The advisories cannot be had from here."""


@dataclass(frozen=True)
class Advisory:
    """One that speaks of a version that is pinned; `fixed` are the versions without it."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"mended in {', '.join(self.fixed)}" if self.fixed else "mended in no version"
        return f"{self.package} {self.version}  {self.id}  {fixed}"


def main(words: list[str]) -> int:
    """Audits, and says what it found; returns the exit code."""
    try:
        tools = ensure_environment("pip-audit", VENV_DIR, REQUIREMENTS)
        if words == ["setup"]:
            return 0
        reasons = known_reasons()
        parts = {
            name: select_pins(parse_pins(lock.read_text(encoding="utf-8")), python)
            for name, lock, python in AUDITED_LOCKS
        }
        query_advisories(
            tools / "pip-audit", next(iter(parts.values()))[:1]
        )  # one package says whether the others are worth it
        found = {}
        for name, pins in parts.items():
            print(f"{name}: {len(pins)} packages", flush=True)
            found |= {(one.package, one.version, one.id): one for one in query_advisories(tools / "pip-audit", pins)}
    except UsageError as error:
        print_error(sys.stderr, error)
        return EXIT_UNAVAILABLE
    return print_report([found[key] for key in sorted(found)], reasons)


def print_report(found: list[Advisory], reasons: dict[str, str]) -> int:
    """Says what is new, what is known and why it stays, and which entries are of no use any more; the exit code."""
    entries = [next((name for name in (one.id, *one.aliases) if name in reasons), "") for one in found]
    for advisory, entry in zip(found, entries, strict=True):
        print(f"known  {advisory}: {reasons[entry]}" if entry else f"NEW    {advisory}")
    for name in sorted(set(reasons) - set(entries)):
        print(f"gone   {name} is in {KNOWN_ADVISORIES.name} and found no more: take it out")
    print(f"{len(found)} advisories: {entries.count('')} new, {len(found) - entries.count('')} known")
    return 1 if "" in entries else 0


def known_reasons() -> dict[str, str]:
    """Advisory → why it stays."""
    return {
        str(name): str(reason)
        for name, reason in (parse_yaml(KNOWN_ADVISORIES.read_text(encoding="utf-8")) or {}).items()
    }


def query_advisories(pip_audit: Path, pins: Iterable[Pin]) -> list[Advisory]:
    """What speaks against these packages.

    Raises:
        Unreachable: the advisories cannot be had.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{public_pin(pin)}\n" for pin in pins), encoding="utf-8")
        options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=15"]
        command = [str(pip_audit), "--requirement", str(listed), *options]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return parse_audit_output(ended.stdout)
    except (ValueError, KeyError) as error:
        said = " ".join((ended.stderr if not ended.stdout else str(error)).split())[-300:]
        raise AdvisoriesUnavailable(
            f"the advisories cannot be had: {said}", "audit where the network allows it"
        ) from error


def public_pin(pin: Pin) -> str:
    """A pin without a local version such as +cpu, which no advisory names."""
    return f"{pin.name}=={pin.version.partition('+')[0]}"


def parse_audit_output(text: str) -> list[Advisory]:
    """Raises ValueError where it is no answer of pip-audit's, or one that leaves packages out."""
    packages = json.loads(text)["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        raise ValueError(f"they know nothing of {format_names(skipped, 5)}")
    return [
        Advisory(p["name"], p["version"], v["id"], tuple(v.get("aliases", ())), tuple(v.get("fix_versions", ())))
        for p in packages
        for v in p["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
