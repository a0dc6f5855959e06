"""ServingCheck: the exported model loads and answers in a process that knows nothing of this pipeline.

TFX's InfraValidator asks for Docker or Kubernetes. This component writes the same `InfraBlessing`, which the standard
Pusher obeys, after a fresh Python with TensorFlow alone has loaded the SavedModel and answered real examples.
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
        "code": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}  # noqa: RUF012


class Executor(base_executor.BaseExecutor):
    """Runs the probe and blesses or not; a model that fails is an answer, not an error."""

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
            answer = run_probe(
                path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
                requests,
                Path(folder) / "answer.json",
                exec_properties["timeout_s"],
            )
        problem = find_serving_problem(answer, rows, exec_properties["latency_ms"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        _write_blessing(blessing, problem)
        blessing.set_int_custom_property("rows", rows)
        if "p99_ms" in answer:
            blessing.set_float_custom_property("p99_ms", answer["p99_ms"])


class ServingCheck(base_component.BaseComponent):
    """Loads the exported model in a fresh process and replays real examples without their label.

    Args:
        model: the Model to check.
        examples: Examples to replay, from the split `eval`.
        label: the feature to remove from them.
        num_examples: how many.
        latency_ms: budget for a request of one example, 99th percentile, in milliseconds.
        timeout_s: for loading and all requests, in seconds.
        code: digest of the code that checks, part of the cache key.
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
        code: str = "",
    ) -> None:
        super().__init__(
            ServingCheckSpec(
                model=model,
                examples=examples,
                label=label,
                num_examples=num_examples,
                latency_ms=latency_ms,
                timeout_s=timeout_s,
                code=code,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def write_requests(examples: types.Artifact, path: Path, count: int, label: str) -> int:
    """Writes the first `count` examples of the eval split without their label; returns how many there were."""
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


def run_probe(model: str, requests: Path, answer: Path, timeout_s: float) -> dict[str, Any]:
    """What the probe found, or `{"error": ...}` where it crashed or took too long.

    Raises:
        StepFailed: the system has killed it.
    """
    command = [sys.executable, serving_probe.__file__, model, str(requests), str(answer)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        ended = subprocess.run(command, env=environment, timeout=timeout_s, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"it did not load and answer within {timeout_s:g} s"}
    if ended.returncode == -signal.SIGKILL:  # no verdict on the model: the machine has not let it answer
        raise StepFailed(
            "the process that loaded the model was killed (SIGKILL), perhaps for want of memory", RESUME_HINT
        )
    if ended.returncode:
        logging.error("ServingCheck: the probe ended with %d:\n%s", ended.returncode, ended.stderr)
        last = (ended.stderr.strip().splitlines() or ["no output"])[-1]
        return {"error": f"the process that loaded it ended with {ended.returncode}: {last}"}
    return json.loads(answer.read_text())


def find_serving_problem(answer: dict[str, Any], rows: int, latency_ms: float) -> str:
    """Why the model may not be served, or nothing."""
    if "error" in answer:
        return answer["error"]
    if not rows:
        return "there is no example to replay"
    if answer["rows"] != rows:
        return f"{rows} examples got {answer['rows']} answers"
    if not answer["finite"]:
        return "some predictions are not finite"
    if answer["batch_difference"] > serving_probe.MAX_BATCH_DIFFERENCE:
        return f"an example alone and in a batch differ by {answer['batch_difference']:.2g}"
    if answer["p99_ms"] > latency_ms:
        return f"one request takes {answer['p99_ms']:.1f} ms (99th percentile), the budget is {latency_ms:g} ms"
    return ""


def _write_blessing(blessing: types.Artifact, problem: str) -> None:
    """Marks the artifact as InfraValidator does, with the reason beside."""
    name = INFRA_VALIDATOR.NOT_BLESSED_FILENAME if problem else INFRA_VALIDATOR.BLESSED_FILENAME
    with fileio.open(f"{blessing.uri}/{name}", "w") as file:
        file.write(problem)
    blessing.set_int_custom_property(INFRA_VALIDATOR.BLESSED_KEY, int(not problem))
    if problem:
        logging.error("ServingCheck: %s", problem)
        blessing.set_string_custom_property("reason", problem)
