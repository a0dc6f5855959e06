"""DataGate: stops the run before training if the data break the curated schema or too many rows were rejected.

Reads Examples, their statistics and anomalies, the Schema, and the accepted spans before; writes a JSON verdict with
the findings and the drift. TFX's ExampleValidator only records anomalies; nothing in TFX stops because of them. If a
finding blocks, the executor raises DataBlocked, since Kubeflow's entry point ignores what an executor returns. The
launcher records the findings as the reason of the failed execution; the exit code is 3.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.components.example_validator import executor as validator
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from flightline.config.gate import GatePolicy
from flightline.executors.data_gate import anomaly_counts, findings
from flightline.executors.data_gate.drift import DRIFT_SPLIT, measure_drift
from flightline.executors.data_gate.label_association import feature_strengths, label_findings
from flightline.executors.data_gate.policy import DUPLICATED_SPAN, apply_policy
from flightline.executors.example_gen.artifact_layout import MAX_RECORD_BYTES, REJECTED_FILE
from flightline.executors.examples import decode_examples, read_examples
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY
from flightline.metadata.row_accounting import row_count_properties


class DataGateSpec(ComponentSpec):
    PARAMETERS = {  # noqa: RUF012 - TFX reads it as a class attribute
        "max_rejected": ExecutionParameter(type=str),
        "policy": ExecutionParameter(type=str),
        "label": ExecutionParameter(type=str),
        "override": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "previous_statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
        "accepted_examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS = {"verdict": ChannelParameter(type=standard_artifacts.JsonValue)}  # noqa: RUF012


class Executor(base_executor.BaseExecutor):
    """Collects the findings; writes them as the verdict, or raises with them as the reason."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the verdict.

        Raises:
            DataBlocked: a finding blocks; the error's record has all findings.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri))
        limits = json.loads(exec_properties["max_rejected"])
        policy = GatePolicy.model_validate_json(exec_properties["policy"])
        drift, drifted = _compute_drift(input_dict, statistics, schema)
        gate_findings = [
            *findings.rejected_findings(row_count_properties(examples), limits, _make_reject_describer(examples)),
            *findings.missing_findings(read_statistics(statistics), schema),
            *findings.anomaly_findings(read_anomalies(anomalies), _make_row_counter(examples, schema)),
            *drifted,
            *_compare_with_accepted_spans(
                examples, input_dict.get("accepted_examples") or [], exec_properties["label"]
            ),
        ]
        gate_findings = findings.sort_findings(apply_policy(gate_findings, policy))
        if exec_properties["override"]:
            gate_findings = [replace(finding, blocks=False, overridden=finding.blocks) for finding in gate_findings]
        for finding in gate_findings:
            logging.warning("DataGate: %s", finding)
        if any(finding.blocks for finding in gate_findings):
            raise findings.data_blocked_error(gate_findings, drift)
        verdict = artifact_utils.get_single_instance(output_dict["verdict"])
        verdict.write(json.loads(findings.findings_to_json(gate_findings, drift)))
        verdict.set_int_custom_property("passed", 1)
        if exec_properties["override"]:
            verdict.set_string_custom_property("override", exec_properties["override"])


class DataGate(base_component.BaseComponent):
    """Stops the run if the data break their schema or too many rows were rejected.

    Args:
        examples: the Examples, with row counts as custom properties.
        statistics: StatisticsGen's output for them.
        anomalies: ExampleValidator's output for them.
        schema: the curated Schema that they were validated against.
        max_rejected: reason → largest share of the rows read that may be rejected for it.
        policy: the severity of each kind of finding.
        label: the label's name.
        previous_statistics: statistics of the last accepted span; None without a window.
        accepted_examples: the Examples of all accepted spans before, the newest last; None without a window.
        override: a reason to let the data pass despite its findings; empty to let findings block.
        code_digest: digest of this component's code, which makes it a part of TFX's own cache key too.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        anomalies: types.BaseChannel,
        schema: types.BaseChannel,
        max_rejected: dict[str, float],
        label: str,
        policy: GatePolicy | None = None,
        previous_statistics: types.BaseChannel | None = None,
        accepted_examples: types.BaseChannel | None = None,
        override: str = "",
        code_digest: str = "",
    ) -> None:
        super().__init__(
            DataGateSpec(
                examples=examples,
                statistics=statistics,
                anomalies=anomalies,
                schema=schema,
                previous_statistics=previous_statistics,
                accepted_examples=accepted_examples,
                max_rejected=json.dumps(max_rejected, sort_keys=True),
                policy=(policy or GatePolicy()).model_dump_json(),
                label=label,
                override=override,
                code_digest=code_digest,
                verdict=types.Channel(type=standard_artifacts.JsonValue),
            )
        )


def _compute_drift(
    inputs: dict[str, list[types.Artifact]], statistics: types.Artifact, schema: schema_pb2.Schema
) -> tuple[list[findings.FeatureDrift], list[findings.Finding]]:
    """Measures the distances from the last accepted span; empty without one."""
    before = inputs.get("previous_statistics") or []
    if not before:
        return [], []
    return measure_drift(read_statistics(statistics)[DRIFT_SPLIT], read_statistics(before[0])[DRIFT_SPLIT], schema)


def _compare_with_accepted_spans(
    examples: types.Artifact, accepted: list[types.Artifact], label: str
) -> Iterator[findings.Finding]:
    """Finds rows that repeat an accepted span, and a label that lost its association with a feature."""
    content = examples.get_string_custom_property(CONTENT_DIGEST_PROPERTY)
    same = [
        span for span in accepted if content and span.get_string_custom_property(CONTENT_DIGEST_PROPERTY) == content
    ]
    if same:
        problem = (
            f"all rows are the same as those of span {same[-1].span}, which was accepted: the file was delivered twice"
        )
        yield findings.Finding("(rows)", DUPLICATED_SPAN, problem, row_count_properties(examples).get("rows_read", 0))
    if accepted:
        now, before = (
            feature_strengths(read_split_batches(span, DRIFT_SPLIT), label) for span in (examples, accepted[-1])
        )
        yield from label_findings(now, before)


def read_statistics(artifact: types.Artifact) -> dict[str, statistics_pb2.DatasetFeatureStatistics]:
    """The statistics of each split over all its rows."""
    return {
        split: stats_artifact_utils.load_statistics(artifact, split).get_default_slice().proto()
        for split in artifact_utils.decode_split_names(artifact.split_names)
    }


def read_anomalies(artifact: types.Artifact) -> dict[str, anomalies_pb2.Anomalies]:
    """The anomalies of each split that ExampleValidator validated."""
    read = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        folder = artifact_utils.get_split_uri([artifact], split)
        with fileio.open(f"{folder}/{validator.DEFAULT_FILE_NAME}", "rb") as source:
            read[split] = anomalies_pb2.Anomalies.FromString(source.read())
    return read


def _make_reject_describer(examples: types.Artifact) -> Callable[[str], str]:
    """Makes a function that describes why most rows of a reason were rejected: in which column, with an example."""

    def describe_reason(reason: str) -> str:
        csv.field_size_limit(2 * MAX_RECORD_BYTES)
        with fileio.open(f"{examples.uri}/{REJECTED_FILE}") as file:
            failed = [(row["column"], row["detail"]) for row in csv.DictReader(file) if row["reason"] == reason]
        [(column, rows)] = Counter(column for column, _ in failed).most_common(1)
        detail = next(detail for name, detail in failed if name == column)
        return (
            f"{rows:,} of them because of column {column}, for example: {detail}"
            if column
            else f"for example: {detail}"
        )

    return describe_reason


def _make_row_counter(examples: types.Artifact, schema: schema_pb2.Schema) -> findings.CountRows:
    """Makes a function that counts rows in the examples themselves, since statistics have no exact counts."""

    def count(split: str, feature: str, kind: str) -> int:
        return anomaly_counts.count_anomalous_rows(read_split_batches(examples, split), feature, kind, schema)

    return count


def read_split_batches(examples: types.Artifact, split: str) -> Iterator[pa.RecordBatch]:
    """The tf.Examples of a split as Arrow batches; each column a list of values per row."""
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(fileio.glob(f"{folder}/*"))
    return map(decode_examples, read_examples(files))
