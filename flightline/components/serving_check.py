"""ServingCheck: checks that the exported model can be served, before it is released.

Reads a Model and Examples, writes an InfraBlessing. A fresh Python process with TensorFlow only loads the SavedModel
and predicts real examples; the model is not blessed if that fails, is too slow, or gives other outputs in a batch than
alone. TFX's InfraValidator, which needs Docker or Kubernetes, writes the same artifact; the standard Pusher reads it.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from flightline.components import serving_probe
from flightline.components.tfx_internals.infra_validator import INFRA_VALIDATOR
from flightline.errors import RESUME_HINT, StepFailed
from flightline.executors.examples import read_examples


class ServingCheckSpec(ComponentSpec):
    PARAMETERS = {  # noqa: RUF012 - TFX reads it as a class attribute
        "num_examples": ExecutionParameter(type=int),
        "latency_ms": ExecutionParameter(type=float),
        "timeout_s": ExecutionParameter(type=float),
        "label": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}  # noqa: RUF012


class Executor(base_executor.BaseExecutor):
    """Runs the probe and writes the blessing. A model that fails is not blessed; the step succeeds all the same."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        model = artifact_utils.get_single_instance(input_dict["model"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        # Not TFX's folder for temporary files: on Kubeflow that may be a URI, and the probe reads local files.
        with tempfile.TemporaryDirectory() as folder:
            requests = Path(folder) / "requests.tfrecord"
            rows = write_requests(examples, requests, exec_properties["num_examples"], exec_properties["label"])
            result = run_probe(
                path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
                requests,
                Path(folder) / "result.json",
                exec_properties["timeout_s"],
            )
        problem = find_serving_problem(result, rows, exec_properties["latency_ms"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        _write_blessing(blessing, problem)
        blessing.set_int_custom_property("rows", rows)
        if "p99_ms" in result:
            blessing.set_float_custom_property("p99_ms", result["p99_ms"])


class ServingCheck(base_component.BaseComponent):
    """Loads the exported model in a fresh process and sends it real examples without their label.

    Args:
        model: the Model to check.
        examples: the requests, from the split `eval`.
        label: the feature to remove from them.
        num_examples: how many of them to send.
        latency_ms: largest 99th percentile of the time of a request with one example, in milliseconds.
        timeout_s: time limit for loading the model and all requests, in seconds.
        code_digest: digest of this component's code, which makes it a part of TFX's own cache key too.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        label: str,
        num_examples: int,
        latency_ms: float,
        timeout_s: float,
        code_digest: str = "",
    ) -> None:
        super().__init__(
            ServingCheckSpec(
                model=model,
                examples=examples,
                label=label,
                num_examples=num_examples,
                latency_ms=latency_ms,
                timeout_s=timeout_s,
                code_digest=code_digest,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def write_requests(examples: types.Artifact, path: Path, count: int, label: str) -> int:
    """Writes the first `count` examples of the split `eval` without their label; returns how many it wrote."""
    files = sorted(fileio.glob(f"{artifact_utils.get_split_uri([examples], 'eval')}/*"))
    records = itertools.chain.from_iterable(read_examples(files))
    rows = 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in itertools.islice(records, count):
            example = tf.train.Example.FromString(record)
            example.features.feature.pop(label, None)
            writer.write(example.SerializeToString(deterministic=True))
            rows += 1
    return rows


def run_probe(model: str, requests: Path, result: Path, timeout_s: float) -> dict[str, Any]:
    """The result of `serving_probe.probe`, or `{"error": ...}` if the process crashed or took too long.

    Raises:
        StepFailed: the operating system killed the process.
    """
    command = [sys.executable, serving_probe.__file__, model, str(requests), str(result)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        process = subprocess.run(
            command, env=environment, timeout=timeout_s, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"loading the model and sending all requests took more than {timeout_s:g} s"}
    if process.returncode == -signal.SIGKILL:  # which says nothing about the model
        raise StepFailed(
            "the process that loaded the model was killed (SIGKILL), perhaps because memory ran out", RESUME_HINT
        )
    if process.returncode:
        logging.error("ServingCheck: the probe exited with %d:\n%s", process.returncode, process.stderr)
        last = (process.stderr.strip().splitlines() or ["no output"])[-1]
        return {"error": f"the process that loaded the model exited with {process.returncode}: {last}"}
    return json.loads(result.read_text())


def find_serving_problem(result: dict[str, Any], rows: int, latency_ms: float) -> str:
    """Why the model may not be released; empty if it may.

    Args:
        result: of `run_probe`.
        rows: number of requests.
        latency_ms: largest 99th percentile of a request, in milliseconds.
    """
    if "error" in result:
        return result["error"]
    if not rows:
        return "the split eval has no example to send"
    if result["rows"] != rows:
        return f"the model gave {result['rows']} outputs for {rows} examples"
    if not result["finite"]:
        return "some predictions are not finite"
    if result["batch_difference"] > serving_probe.MAX_BATCH_DIFFERENCE:
        return f"the outputs of an example alone and in a batch differ by {result['batch_difference']:.2g}"
    if result["p99_ms"] > latency_ms:
        return f"one request takes {result['p99_ms']:.1f} ms (99th percentile), the limit is {latency_ms:g} ms"
    return ""


def _write_blessing(blessing: types.Artifact, problem: str) -> None:
    """Marks the artifact as InfraValidator does, and adds the reason if the model is not blessed."""
    name = INFRA_VALIDATOR.NOT_BLESSED_FILENAME if problem else INFRA_VALIDATOR.BLESSED_FILENAME
    with fileio.open(f"{blessing.uri}/{name}", "w") as file:
        file.write(problem)
    blessing.set_int_custom_property(INFRA_VALIDATOR.BLESSED_KEY, int(not problem))
    if problem:
        logging.error("ServingCheck: %s", problem)
        blessing.set_string_custom_property("reason", problem)
