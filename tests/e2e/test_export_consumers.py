"""The exported model in the hands of the tools that have to load it."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def artifacts(trained):
    """The trained run's model and examples, as TFX hands them to a component."""
    from tfx.types import artifact_utils

    from flightline.metadata.runs import Runs

    store = Runs.open(trained.workspace / "metadata.db").store
    found = {}
    for node, key in (("Trainer", "model"), ("ExampleGen", "examples")):
        proto = trained.steps[node].output(key)
        [kind] = store.get_artifact_types_by_id([proto.type_id])
        found[key] = artifact_utils.deserialize_artifact(kind, proto)
    return found


def test_bulk_inferrer_predicts_every_row_as_the_server_would(trained, artifacts, tmp_path):
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2
    from tfx.components.bulk_inferrer import executor
    from tfx.dsl.components.base import base_beam_executor
    from tfx.proto import bulk_inferrer_pb2
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    from flightline.engines.arguments import LOCAL_ARGUMENTS

    result = standard_artifacts.InferenceResult()
    result.uri = str(tmp_path / "result")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(LOCAL_ARGUMENTS), tmp_dir=str(tmp_path / "tmp"), unique_id="1"
    )
    executor.Executor(context).Do(
        {"examples": [artifacts["examples"]], "model": [artifacts["model"]]},
        {"inference_result": [result]},
        {
            "data_spec": proto_utils.proto_to_json(bulk_inferrer_pb2.DataSpec(example_splits=["eval"])),
            "model_spec": proto_utils.proto_to_json(
                bulk_inferrer_pb2.ModelSpec(model_signature_name=["serving_default"])
            ),
        },
    )
    files = [str(file) for file in tmp_path.glob("result/**/*.gz")]
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record).predict_log
        for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    ]
    assert len(logs) == trained.summary["rows"]["splits"]["eval"]

    serve = tf.saved_model.load(trained.summary["release"]).signatures["serving_default"]
    requests = [log.request.inputs["examples"].string_val[0] for log in logs[:200]]
    expected = serve(examples=tf.constant(requests))["probabilities"].numpy()[:, 0]
    predicted = [log.response.outputs["probabilities"].float_val[0] for log in logs[:200]]
    np.testing.assert_allclose(predicted, expected, atol=1e-6)


def test_the_model_predicts_without_the_label_and_with_missing_values(trained):
    import tensorflow as tf

    serve = tf.saved_model.load(trained.summary["release"]).signatures["serving_default"]
    example = tf.train.Example()
    texts = {"carrier": b"UA", "origin": b"EWR", "dest": b"IAH"}
    numbers = {"month": 7, "day": 4, "hour": 17, "minute": 5, "sched_dep_time": 1705, "sched_arr_time": 2000}
    numbers |= {"dep_delay": 90, "distance": 1400}
    for name, text in texts.items():
        example.features.feature[name].bytes_list.value.append(text)
    for name, number in numbers.items():
        example.features.feature[name].int64_list.value.append(number)
    late = serve(examples=tf.constant([example.SerializeToString()]))["probabilities"].numpy()
    example.features.feature["dep_delay"].int64_list.value[:] = [-5]
    early = serve(examples=tf.constant([example.SerializeToString()]))["probabilities"].numpy()
    assert late.shape == (1, 1)
    assert late[0, 0] > 0.5 > early[0, 0]
