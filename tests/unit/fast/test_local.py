import pytest

from pipeline.engines import beam_arguments
from pipeline.fast.local import runner_elsewhere


@pytest.mark.parametrize("arguments", [[], ["--runner=DirectRunner"], ["--runner", "FnApiRunner", "--streaming"]])
def test_runners_in_this_process_are_replaced(arguments):
    assert runner_elsewhere(arguments) is None


def test_the_local_engine_is_local():
    assert runner_elsewhere(beam_arguments()) is None


@pytest.mark.parametrize("runner", ["FlinkRunner", "DataflowRunner", "apache_beam.runners.PortableRunner"])
def test_a_runner_elsewhere_is_meant_to_be_used(runner):
    assert runner_elsewhere([f"--runner={runner}"]) == runner
