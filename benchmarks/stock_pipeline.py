"""The stock TFX pipeline on the flights data, timed per component: the baseline of the benchmark.

    python stock_pipeline.py --data DIR --out DIR [--json FILE] [--beam-arg ARG]...

DIR has CSV files with the columns of stock_module.py, every row labelled. Prints one JSON document:
per component wall seconds, CPU seconds (user + system, children included) and the peak resident set in MB
while it ran. All settings are defaults: CsvExampleGen, default Beam arguments, LocalDagRunner, one epoch, batch 256.
Needs the TFX 1.16 stack (tf_keras). Run nothing else on the machine meanwhile.
"""

import argparse
import json
import os
import resource
import sys
import threading
import time

START = time.time()
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ["PYTHONPATH"] = HERE + os.pathsep + os.environ.get("PYTHONPATH", "")


def cpu_seconds():
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


class Meter:
    """Wraps the launcher of every node; samples the resident set ten times a second."""

    def __init__(self):
        self.rows, self.peak = [], 0
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        page = os.sysconf("SC_PAGE_SIZE")
        while True:
            with open("/proc/self/statm") as statm:
                self.peak = max(self.peak, int(statm.read().split()[1]) * page)
            time.sleep(0.1)

    def add(self, name, wall, cpu):
        self.rows.append(
            {"component": name, "wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "peak_mb": self.peak >> 20}
        )

    def install(self):
        from tfx.orchestration.portable import launcher

        original, meter = launcher.Launcher.launch, self

        def launch(self):
            meter.peak, wall, cpu = 0, time.time(), cpu_seconds()
            try:
                return original(self)
            finally:
                meter.add(self._pipeline_node.node_info.id, time.time() - wall, cpu_seconds() - cpu)

        launcher.Launcher.launch = launch


def create_pipeline(args, rows):
    import tensorflow_model_analysis as tfma
    from tfx import v1 as tfx

    gen = tfx.components.CsvExampleGen(input_base=args.data)
    stats = tfx.components.StatisticsGen(examples=gen.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=stats.outputs["statistics"], infer_feature_shape=False)
    validator = tfx.components.ExampleValidator(statistics=stats.outputs["statistics"], schema=schema.outputs["schema"])
    transform = tfx.components.Transform(
        examples=gen.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn="stock_module.preprocessing_fn",
    )
    trainer = tfx.components.Trainer(
        run_fn="stock_module.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(num_steps=rows * 2 // 3 // 256),
        eval_args=tfx.proto.EvalArgs(num_steps=rows // 3 // 256),
    )
    champion = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("champion")
    threshold = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(lower_bound={"value": 0.5}),
        change_threshold=tfma.GenericChangeThreshold(
            direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -1e-3}
        ),
    )
    config = tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name="serving_default",
                label_key="late_xf",
                preprocessing_function_names=["transform_features"],
            )
        ],
        slicing_specs=[
            tfma.SlicingSpec(),
            *(tfma.SlicingSpec(feature_keys=[k]) for k in ("origin", "carrier", "month")),
        ],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="ExampleCount"),
                    tfma.MetricConfig(class_name="AUC", threshold=threshold),
                    tfma.MetricConfig(class_name="BinaryAccuracy"),
                    tfma.MetricConfig(class_name="Calibration"),
                ]
            )
        ],
    )
    evaluator = tfx.components.Evaluator(
        examples=gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=champion.outputs["model"],
        eval_config=config,
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=os.path.join(args.out, "serving"))
        ),
    )
    return tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root=os.path.join(args.out, "root"),
        enable_cache=False,
        components=[gen, stats, schema, validator, transform, trainer, champion, evaluator, pusher],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            os.path.join(args.out, "metadata.db")
        ),
        beam_pipeline_args=args.beam_arg,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--json")
    parser.add_argument("--beam-arg", action="append", default=[])
    args = parser.parse_args()
    if os.path.exists(args.out):
        parser.error(f"--out {args.out} exists: every run starts clean")
    os.makedirs(args.out)
    rows = 0
    for name in sorted(os.listdir(args.data)):
        with open(os.path.join(args.data, name), "rb") as source:
            rows += sum(1 for _ in source) - 1
    meter = Meter()
    from tfx import v1 as tfx
    import tensorflow_model_analysis  # noqa: F401

    meter.add("import", time.time() - START, cpu_seconds())
    meter.install()
    tfx.orchestration.LocalDagRunner().run(create_pipeline(args, rows))
    meter.peak = max(row["peak_mb"] for row in meter.rows) << 20
    meter.add("total", time.time() - START, cpu_seconds())
    text = json.dumps({"rows": rows, "components": meter.rows}, indent=1)
    if args.json:
        with open(args.json, "w") as out:
            out.write(text)
    print(text)


if __name__ == "__main__":
    main()
