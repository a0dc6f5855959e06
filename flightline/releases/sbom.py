"""The software bill of materials (SBOM) of a release, as CycloneDX 1.6.

It lists the release's files, the packages, data and schema that it was made from, and its model card. It does not
depend on the time when it is written: equal releases have equal SBOMs.
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
MAX_LISTED_FILES = 1000  # input files that are listed; the digest of all input is always there
_MODEL_REF, _DATA_REF, _SCHEMA_REF = "model", "data", "schema"
_SBOM_NAMESPACE = uuid.UUID("8c6f1a52-5a39-4a86-9c8e-d4a5f3a9a0c1")
Json = dict[str, Any]


@dataclass(frozen=True)
class SbomInputs:
    """What a release is about.

    Attributes:
        name: of the pipeline.
        version: of the release.
        path: the release's folder.
        run: the run that released it.
        released: seconds since the epoch.
        provenance: code, data and versions at the start of the run.
        pins: the packages of its lock, for its Python.
        metrics: of the whole evaluation set.
        label: the column that is predicted.
        target: the task and the label's values, from release.json.
        card: the model card.
    """

    name: str
    version: str
    path: Path
    run: str
    released: float
    provenance: Provenance
    pins: list[Pin]
    metrics: Mapping[str, float]
    label: str
    target: Mapping[str, Any]
    card: ModelCardConfig


def build_cyclonedx(release: SbomInputs) -> Json:
    """The release as a JSON document."""
    model = _model_component(release)
    packages = [_package_component(pin) for pin in release.pins]
    serial = uuid.uuid5(_SBOM_NAMESPACE, f"{release.name}\0{release.version}\0" + "".join(_file_hashes(model)))
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{CYCLONEDX_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": CYCLONEDX_VERSION,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(release.released, timezone.utc).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "flightline"}]},
            "component": model,
            "properties": _properties(_metadata_facts(release)),
        },
        "components": [
            _data_component(release),
            _file_component(_SCHEMA_REF, "schema.pbtxt", release.provenance.digests["schema"]),
            *packages,
        ],
        "dependencies": _dependencies(release.pins),
    }


def _metadata_facts(release: SbomInputs) -> dict[str, str]:
    provenance = release.provenance
    facts = {"run": release.run, "lock": provenance.digests["lock"]}
    if provenance.commit:
        facts["commit"] = f"{provenance.commit}{' with uncommitted changes' if provenance.dirty else ''}"
    return {**facts, **{f"version of {name}": version for name, version in provenance.versions.items()}}


def _properties(facts: Mapping[str, str]) -> list[Json]:
    return [{"name": f"flightline:{name}", "value": value} for name, value in facts.items()]


def _model_component(release: SbomInputs) -> Json:
    files = sorted(path for path in release.path.rglob("*") if path.is_file())
    card = release.card
    considerations = {
        "users": [card.owners] if card.owners else [],
        "useCases": [card.intended_use] if card.intended_use else [],
        "technicalLimitations": [card.limits] if card.limits else [],
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL_REF,
        "name": release.name,
        "version": release.version,
        "components": [
            _file_component(f"file:{n}", str(p.relative_to(release.path)), file_digest(p)) for n, p in enumerate(files)
        ],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": describe_task(release.label, release.target),
                "datasets": [{"ref": _DATA_REF}],
            },
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    {"type": name, "value": repr(value), "slice": "overall"} for name, value in release.metrics.items()
                ]
            },
            "considerations": {name: texts for name, texts in considerations.items() if texts},
        },
    }


def describe_task(label: str, target: Mapping[str, Any]) -> str:
    """The task and the quantity that the model predicts, in words.

    Args:
        label: the column that is predicted.
        target: from release.json; without a task, the model is binary.
    """
    match target.get("task", "binary"):
        case "regression":
            return f"regression: the value of {label}"
        case "multiclass":
            classes = ", ".join(map(str, target["classes"]))
            return f"multiclass classification: the probability of each value of {label} ({classes})"
    positive = target.get("positive")
    return f"binary classification: the probability that {label} is {1 if positive is None else positive}"


def _data_component(release: SbomInputs) -> Json:
    named = sorted(release.provenance.inputs.items())[:MAX_LISTED_FILES]
    return {
        "type": "data",
        "bom-ref": _DATA_REF,
        "name": f"{release.name} input",
        "hashes": [_sha256_hash(release.provenance.digests["data"])],
        "data": [{"type": "dataset", "name": f"{release.provenance.input_file_count} input files"}],
        "components": [_file_component(f"data:{number}", name, digest) for number, (name, digest) in enumerate(named)],
    }


def _file_component(ref: str, name: str, digest: str) -> Json:
    return {"type": "file", "bom-ref": ref, "name": name, "hashes": [_sha256_hash(digest)]}


def _sha256_hash(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest}


def _package_component(pin: Pin) -> Json:
    """A package, without hashes: the lock allows several files for a version, and the lock's digest covers them all."""
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
    """The model depends on its data, schema and top-level packages; packages depend on their requirements."""
    known = {pin.name: _purl(pin) for pin in pins}
    requires: dict[str, list[str]] = {url: [] for url in known.values()}
    for pin in pins:
        for dependent in pin.via:
            if dependent in known:
                requires[known[dependent]].append(_purl(pin))
    required_urls = {url for urls in requires.values() for url in urls}
    roots = sorted(set(known.values()) - required_urls)
    return [
        {"ref": _MODEL_REF, "dependsOn": [_DATA_REF, _SCHEMA_REF, *roots]},
        *({"ref": url, "dependsOn": sorted(set(urls))} for url, urls in requires.items()),
    ]


def _file_hashes(model: Json) -> list[str]:
    return [file["hashes"][0]["content"] for file in model["components"]]
