"""The code in each step's cache key: an edit of another file must not run the step again."""

import fnmatch

import pytest

from flightline.utils.import_graph import import_closure

TFX_INTERNALS = {"components.tfx_internals", "utils.private_api"}
BEAM_EXECUTOR = {*TFX_INTERNALS, "components.tfx_internals.beam_executor", "executors.beam_runner"}
BINS_AND_GAPS = {
    "serving.target",  # the tasks, which the evaluation settings name
    "components.bin_extractor",
    "config.evaluation",
    "executors.evaluator.bins",
    "executors.evaluator.result_reader",
    "executors.evaluator.slice_gaps",
    "metadata.evaluation",
    "utils.suggestions",
}
READ_EXAMPLES = {"executors.examples", "executors.varint"}
FAST = {*BEAM_EXECUTOR, "executors.progress"}
# Dataclasses of the metadata room that results are stored in, and what these modules import.
STORED_RESULT = {"metadata.properties", "metadata.step", "metadata.key_parts"}

# Component → the modules of the library besides its own, as patterns; packages and `ALWAYS` are not listed.
ALLOWED = {
    "arrow_example_gen": {
        *FAST,
        "components.tfx_internals.base_executor",
        "executors.example_gen.*",
        "executors.varint",
        "serving.input_feature",  # column types and bounds
    },
    "curated_schema": set(),
    "fast_statistics": {*FAST, *READ_EXAMPLES, "executors.statistics_gen", "executors.tfdv_internals"},
    "fast_transform": {
        *FAST,
        *READ_EXAMPLES,
        "components.tfx_internals.transform",
        "executors.tfdv_internals",
        "executors.transform.*",
    },
    "data_gate": {
        *READ_EXAMPLES,
        "config.gate",
        "executors.data_gate.*",
        "executors.example_gen.artifact_layout",
        "metadata.properties",
        "metadata.row_accounting",
    },
    "tuner": {*TFX_INTERNALS, "components.tfx_internals.base_executor", "metadata.tuning"},
    "evaluator": {
        *TFX_INTERNALS,
        "components.tfx_internals.beam_executor",
        *BINS_AND_GAPS,
        *STORED_RESULT,
        "components.tfx_internals.evaluator",
    },
    "fast_evaluator": {
        *FAST,
        *STORED_RESULT,
        *BINS_AND_GAPS,
        "components.evaluator",
        "components.tfx_internals.evaluator",
        "executors.evaluator.*",
    },
    "serving_check": {
        *TFX_INTERNALS,
        *READ_EXAMPLES,
        "components.serving_probe",
        "components.tfx_internals.infra_validator",
    },
    "atomic_pusher": {*TFX_INTERNALS, "components.tfx_internals.pusher", "utils.files"},
    "prediction_writer": {
        *READ_EXAMPLES,
        "executors.example_gen.artifact_layout",
        "metadata.row_accounting",
        "serving.target",
    },
}
ALWAYS = {"errors", "config.section"}  # exceptions, and the base class of every config section


@pytest.mark.parametrize("component", ALLOWED)
def test_a_cache_key_contains_only_modules_that_the_step_uses(component):
    files = import_closure([f"flightline.components.{component}"])
    modules = {name.removeprefix("flightline.") for name, path in files.items() if path.name != "__init__.py"}
    modules -= {f"components.{component}", *ALWAYS}
    patterns = ALLOWED[component]
    assert [name for name in sorted(modules) if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("component", ALLOWED)
def test_every_allowed_module_is_in_the_cache_key(component):
    modules = {name.removeprefix("flightline.") for name in import_closure([f"flightline.components.{component}"])}
    assert [pattern for pattern in sorted(ALLOWED[component]) if not fnmatch.filter(modules, pattern)] == []
