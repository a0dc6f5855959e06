import pytest

from flightline.engines.arguments import LOCAL_ARGUMENTS
from flightline.executors.beam_runner import out_of_process_runner


@pytest.mark.parametrize(
    "arguments", [[], ["--runner=DirectRunner"], ["--runner", "FnApiRunner", "--streaming"], list(LOCAL_ARGUMENTS)]
)
def test_in_process_runners_are_not_kept(arguments):
    assert out_of_process_runner(arguments) is None


@pytest.mark.parametrize("runner", ["FlinkRunner", "DataflowRunner", "apache_beam.runners.PortableRunner"])
def test_an_out_of_process_runner_is_kept(runner):
    assert out_of_process_runner([f"--runner={runner}"]) == runner


def test_multi_processing_of_the_direct_runner_is_kept():
    assert (
        out_of_process_runner(["--runner=FnApiRunner", "--direct_running_mode=multi_processing"]) == "multi_processing"
    )
