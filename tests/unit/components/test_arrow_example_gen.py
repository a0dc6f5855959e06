import pytest
from tfx.components.example_gen import component, driver
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from flightline.components.arrow_example_gen import ArrowExampleGen, pack_options, unpack_options
from flightline.executors.example_gen.ingestion import IngestOptions

OPTIONS = IngestOptions(
    label="late", column_types={"a": "float", "b": "bytes"}, missing_values=("NA", "?"), block_bytes=123
)


def test_options_are_read_back_from_the_execution_property():
    text = proto_utils.proto_to_json(pack_options(OPTIONS, {"digest": "f00"}))
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(text, config)
    assert unpack_options(config) == OPTIONS
    assert '"digest": "f00"' in text


def test_missing_options_mean_the_defaults():
    assert unpack_options(example_gen_pb2.CustomConfig()) == IngestOptions()
    assert unpack_options(pack_options(IngestOptions())) == IngestOptions()


@pytest.mark.parametrize("block_bytes", [0, -1, 2**31])
def test_a_block_size_out_of_range_is_refused(block_bytes):
    with pytest.raises(ValueError, match="choose between"):
        ArrowExampleGen("data", block_bytes=block_bytes)


def test_the_component_is_a_file_based_example_gen_with_the_standard_driver():
    gen = ArrowExampleGen("data", label="late", custom_fields={"digest": "f00"})
    assert isinstance(gen, component.FileBasedExampleGen)
    assert gen.driver_class is driver.FileBasedDriver
    assert "f00" in str(gen.exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
