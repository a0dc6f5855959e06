import numpy as np
import pytest

from flightline.init.table_reader import Column
from flightline.init.text_numbers import describe_text_numbers


def describe(texts):
    values, codes = np.unique(np.array(texts, object), return_inverse=True)
    return describe_text_numbers(Column("x", "bytes", values, codes.astype(np.int32)))


@pytest.mark.parametrize(
    "texts",
    [
        ["$1,234", "$5"],
        ["1,234", "999", "-1,234,567.5"],
        ["12,5", "-0,3"],
        ["45%", "3.5 %"],
        ["1.234,50 €", "EUR 7"],
        ["1 234", "12 345,6"],
        ["(1,200)", "300"],
    ],
)
def test_numbers_in_unsupported_formats_are_detected(texts):
    evidence, advice = describe(texts)
    assert "an unsupported format" in evidence
    assert "1234.5" in advice


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b"],
        ["A1", "B2"],
        ["+49 30 099427"],
        ["1-2", "3-4"],
        ["10.4.", "11.5."],
        ["13:30"],
        ["2024-01"],
        ["001,5"],
    ],
)
def test_other_texts_are_not_numbers(texts):
    assert describe(texts) is None


def test_words_among_numbers_are_reported_with_the_option_for_missing_values():
    evidence, advice = describe([*map(str, range(97)), "unknown", "not asked", "unknown"])
    assert "'unknown'" in evidence
    assert "(3.0% of the rows)" in evidence
    assert advice.endswith("--missing-value 'not asked' --missing-value unknown")


@pytest.mark.parametrize(
    "texts",
    [[*map(str, range(5)), "unknown"], [*map(str, range(100)), *"abcdef"], [*map(str, range(100)), "100+", "x"]],
)
def test_columns_with_many_words_are_not_numbers(texts):
    assert describe(texts) is None
