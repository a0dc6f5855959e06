import pytest

from pipeline.engines.arguments import LOCAL
from pipeline.fast.local import runner_elsewhere


@pytest.mark.parametrize(
    "arguments", [[], ["--runner=DirectRunner"], ["--runner", "FnApiRunner", "--streaming"], list(LOCAL)]
)
def test_runners_in_this_process_are_replaced(arguments):
    assert runner_elsewhere(arguments) is None


@pytest.mark.parametrize("runner", ["FlinkRunner", "DataflowRunner", "apache_beam.runners.PortableRunner"])
def test_a_runner_elsewhere_is_meant_to_be_used(runner):
    assert runner_elsewhere([f"--runner={runner}"]) == runner


def test_so_are_several_processes():
    assert runner_elsewhere(["--runner=FnApiRunner", "--direct_running_mode=multi_processing"]) == "multi_processing"
