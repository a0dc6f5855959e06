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

from flightline.config.release import ModelCardConfig
from flightline.metadata.provenance import Provenance
from flightline.releases.requirements_lock import Pin
from flightline.utils.hashing import file_digest

CYCLONEDX_VERSION = "1.6"
MAX_LISTED_FILES = 1000  # of input named one by one; their digest as a whole is always there
_MODEL_REF, _DATA_REF, _SCHEMA_REF = "model", "data", "schema"
_SBOM_NAMESPACE = uuid.UUID("8c6f1a52-5a39-4a86-9c8e-d4a5f3a9a0c1")
Json = dict[str, Any]


@dataclass(frozen=True)
class SbomInputs:
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
    origin: Provenance
    pins: list[Pin]
    metrics: Mapping[str, float]
    label: str
    card: ModelCardConfig


def build_cyclonedx(bill: SbomInputs) -> Json:
    """The bill as a JSON document."""
    model = _model_component(bill)
    packages = [_package_component(pin) for pin in bill.pins]
    serial = uuid.uuid5(_SBOM_NAMESPACE, f"{bill.name}\0{bill.version}\0" + "".join(_file_hashes(model)))
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{CYCLONEDX_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": CYCLONEDX_VERSION,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(bill.released, timezone.utc).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "flightline"}]},
            "component": model,
            "properties": _properties(_metadata_facts(bill)),
        },
        "components": [
            _data_component(bill),
            _file_component(_SCHEMA_REF, "schema.pbtxt", bill.origin.digests["schema"]),
            *packages,
        ],
        "dependencies": _dependencies(bill.pins),
    }


def _metadata_facts(bill: SbomInputs) -> dict[str, str]:
    origin = bill.origin
    facts = {"run": bill.run, "lock": origin.digests["lock"]}
    if origin.commit:
        facts["commit"] = f"{origin.commit}{' with edits' if origin.dirty else ''}"
    return {**facts, **{f"version of {name}": version for name, version in origin.versions.items()}}


def _properties(facts: Mapping[str, str]) -> list[Json]:
    return [{"name": f"flightline:{name}", "value": value} for name, value in facts.items()]


def _model_component(bill: SbomInputs) -> Json:
    files = sorted(path for path in bill.path.rglob("*") if path.is_file())
    card = bill.card
    considerations = {
        "users": [card.owners] if card.owners else [],
        "useCases": [card.intended_use] if card.intended_use else [],
        "technicalLimitations": [card.limits] if card.limits else [],
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL_REF,
        "name": bill.name,
        "version": bill.version,
        "components": [
            _file_component(f"file:{n}", str(p.relative_to(bill.path)), file_digest(p)) for n, p in enumerate(files)
        ],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": f"the probability of {bill.label}",
                "datasets": [{"ref": _DATA_REF}],
            },
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    {"type": name, "value": repr(value), "slice": "overall"} for name, value in bill.metrics.items()
                ]
            },
            "considerations": {name: said for name, said in considerations.items() if said},
        },
    }


def _data_component(bill: SbomInputs) -> Json:
    named = sorted(bill.origin.inputs.items())[:MAX_LISTED_FILES]
    return {
        "type": "data",
        "bom-ref": _DATA_REF,
        "name": f"{bill.name} input",
        "hashes": [_sha256_hash(bill.origin.digests["data"])],
        "data": [{"type": "dataset", "name": f"{bill.origin.files} input files"}],
        "components": [_file_component(f"data:{number}", name, digest) for number, (name, digest) in enumerate(named)],
    }


def _file_component(ref: str, name: str, digest: str) -> Json:
    return {"type": "file", "bom-ref": ref, "name": name, "hashes": [_sha256_hash(digest)]}


def _sha256_hash(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest}


def _package_component(pin: Pin) -> Json:
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
        for dependent in pin.via:
            if dependent in known:
                asks[known[dependent]].append(_purl(pin))
    required_urls = {url for urls in asks.values() for url in urls}
    roots = sorted(set(known.values()) - required_urls)
    return [
        {"ref": _MODEL_REF, "dependsOn": [_DATA_REF, _SCHEMA_REF, *roots]},
        *({"ref": url, "dependsOn": sorted(set(urls))} for url, urls in asks.items()),
    ]


def _file_hashes(model: Json) -> list[str]:
    return [file["hashes"][0]["content"] for file in model["components"]]
