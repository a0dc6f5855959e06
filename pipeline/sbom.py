"""The bill of materials of a release, as CycloneDX 1.6: its files, the packages, data and schema that it was made of,
and its model card.

Nothing in it depends on when it is made: equal releases have equal bills.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pipeline.config import CardConfig
from pipeline.digests import file_digest
from pipeline.lock_file import Pin
from pipeline.report.origin import Origin

SPEC = "1.6"
MOST_FILES = 1000  # of input named one by one; their digest as a whole is always there
_MODEL, _DATA, _SCHEMA = "model", "data", "schema"
_OURS = uuid.UUID("8c6f1a52-5a39-4a86-9c8e-d4a5f3a9a0c1")
Json = dict[str, Any]


@dataclass(frozen=True)
class Bill:
    """What a bill is about.

    Attributes:
        name, version: of the pipeline and of its release. path: the release's folder.
        run: that made it. released: seconds since the epoch.
        origin: what that run noted when it began. pins: the packages of its lock, for its Python.
        metrics: of the whole evaluation set. label: the column that is predicted. card: its model card.
    """

    name: str
    version: str
    path: Path
    run: str
    released: float
    origin: Origin
    pins: list[Pin]
    metrics: Mapping[str, float]
    label: str
    card: CardConfig


def cyclonedx(bill: Bill) -> Json:
    """The bill as a JSON document."""
    model = _model(bill)
    packages = [_package(pin) for pin in bill.pins]
    serial = uuid.uuid5(_OURS, f"{bill.name}\0{bill.version}\0" + "".join(_hashes_in(model)))
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(bill.released, timezone.utc).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "flightline"}]},
            "component": model,
            "properties": _properties(_facts(bill)),
        },
        "components": [_data(bill), _file(_SCHEMA, "schema.pbtxt", bill.origin.digests["schema"]), *packages],
        "dependencies": _dependencies(bill.pins),
    }


def _facts(bill: Bill) -> dict[str, str]:
    origin = bill.origin
    facts = {"run": bill.run, "lock": origin.digests["lock"]}
    if origin.commit:
        facts["commit"] = f"{origin.commit}{' with edits' if origin.dirty else ''}"
    return {**facts, **{f"version of {name}": version for name, version in origin.versions.items()}}


def _properties(facts: Mapping[str, str]) -> list[Json]:
    return [{"name": f"flightline:{name}", "value": value} for name, value in facts.items()]


def _model(bill: Bill) -> Json:
    files = sorted(path for path in bill.path.rglob("*") if path.is_file())
    card = bill.card
    considerations = {
        "users": [card.owners] if card.owners else [],
        "useCases": [card.intended_use] if card.intended_use else [],
        "technicalLimitations": [card.limits] if card.limits else [],
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": bill.name,
        "version": bill.version,
        "components": [_file(f"file:{n}", str(p.relative_to(bill.path)), file_digest(p)) for n, p in enumerate(files)],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": f"the probability of {bill.label}",
                "datasets": [{"ref": _DATA}],
            },
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    {"type": name, "value": repr(value), "slice": "overall"} for name, value in bill.metrics.items()
                ]
            },
            "considerations": {name: said for name, said in considerations.items() if said},
        },
    }


def _data(bill: Bill) -> Json:
    named = sorted(bill.origin.inputs.items())[:MOST_FILES]
    return {
        "type": "data",
        "bom-ref": _DATA,
        "name": f"{bill.name} input",
        "hashes": [_sha256(bill.origin.digests["data"])],
        "data": [{"type": "dataset", "name": f"{bill.origin.files} input files"}],
        "components": [_file(f"data:{number}", name, digest) for number, (name, digest) in enumerate(named)],
    }


def _file(ref: str, name: str, digest: str) -> Json:
    return {"type": "file", "bom-ref": ref, "name": name, "hashes": [_sha256(digest)]}


def _sha256(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest}


def _package(pin: Pin) -> Json:
    """Without hashes: the lock allows each of a version's files, and the lock's own digest stands for all of theirs."""
    url = _purl(pin)
    return {
        "type": "library",
        "bom-ref": url,
        "name": pin.name,
        "version": pin.version,
        "purl": url,
    }


def _purl(pin: Pin) -> str:
    return f"pkg:pypi/{re.sub(r'[-_.]+', '-', pin.name)}@{pin.version.replace('+', '%2B')}"


def _dependencies(pins: Iterable[Pin]) -> list[Json]:
    """The model on the data, the schema and what it was trained with; packages on what they ask for."""
    known = {pin.name: _purl(pin) for pin in pins}
    asks: dict[str, list[str]] = {url: [] for url in known.values()}
    for pin in pins:
        for asker in pin.via:
            if asker in known:
                asks[known[asker]].append(_purl(pin))
    asked_for = {url for urls in asks.values() for url in urls}
    roots = sorted(set(known.values()) - asked_for)
    return [
        {"ref": _MODEL, "dependsOn": [_DATA, _SCHEMA, *roots]},
        *({"ref": url, "dependsOn": sorted(set(urls))} for url, urls in asks.items()),
    ]


def _hashes_in(model: Json) -> list[str]:
    return [file["hashes"][0]["content"] for file in model["components"]]
