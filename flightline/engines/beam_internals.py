"""The private names of Apache Beam that describing a Dataflow job needs."""

from __future__ import annotations

from flightline.utils.private_api import PrivateApi, PrivateName

BEAM = PrivateApi(
    "apache-beam",
    ("2.74.0", "2.77.0"),
    [
        "apache_beam.runners.dataflow.dataflow_runner:DataflowRunner.run_pipeline",
        "apache_beam.runners.dataflow.internal.apiclient:_FNAPI_ENVIRONMENT_MAJOR_VERSION",
        PrivateName(
            "apache_beam.runners.dataflow.internal.apiclient:Environment",
            ("packages", "options", "environment_version", "proto_pipeline_staged_url", "proto_pipeline"),
        ),
    ],
)
