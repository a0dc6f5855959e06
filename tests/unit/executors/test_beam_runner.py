import pytest

from flightline.engines.arguments import LOCAL_ARGUMENTS
from flightline.executors.beam_runner import out_of_process_runner


@pytest.mark.parametrize(
    "arguments", [[], ["--runner=DirectRunner"], ["--runner", "FnApiRunner", "--streaming"], list(LOCAL_ARGUMENTS)]
)
def test_runners_in_this_process_are_replaced(arguments):
    assert out_of_process_runner(arguments) is None


@pytest.mark.parametrize("runner", ["FlinkRunner", "DataflowRunner", "apache_beam.runners.PortableRunner"])
def test_a_runner_elsewhere_is_meant_to_be_used(runner):
    assert out_of_process_runner([f"--runner={runner}"]) == runner


def test_so_are_several_processes():
    assert (
        out_of_process_runner(["--runner=FnApiRunner", "--direct_running_mode=multi_processing"]) == "multi_processing"
    )
