"""Column types: inferred as stock CsvExampleGen infers them, and values parsed as it parses them.

The rules are those of `tfx_bsl.coders.csv_decoder._InferValueType` and Python's own `int` and `float`: surrounding
whitespace, a sign, underscores between digits, `nan` and `inf` are numbers; an integer beyond int64 is text. One rule
is added: where the schema says int, an integral float up to 2**53, such as `12.0` or `1e3`, is that integer. pandas
writes whole numbers so once a value is missing. Ordinary numbers are matched and converted by Arrow; only the others
are looked at in Python, one by one.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flightline.serving.input_feature import COLUMN_TYPES, MAX_INTEGRAL_FLOAT, ColumnType

# Arrow would also read 0x1F as a number, and wraps nothing into 64 bits: 18 digits are safe.
_INT_PATTERN = r"^-?[0-9]{1,18}$"
_FLOAT_PATTERN = r"^-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,2})?$"
_INTEGRAL_FLOAT_PATTERN = r"^-?[0-9]{1,15}\.0{1,25}$"  # 15 digits are below 2**53
_INT64 = np.iinfo(np.int64)
_MAX_INTEGRAL_DIGITS = len(str(MAX_INTEGRAL_FLOAT))
_ORDINARY_NUMBERS: dict[ColumnType, tuple[tuple[str, pa.DataType], ...]] = {
    "int": ((_INT_PATTERN, pa.int64()), (_INTEGRAL_FLOAT_PATTERN, pa.float64())),
    "float": ((_FLOAT_PATTERN, pa.float64()),),
}
# Between the largest float32 and infinity: protobuf 3 takes it for the one, IEEE's rounding and protobuf 6 for the
# other. The splits hang on it, and are to be the same on both stacks.
_FLOAT32_OVERFLOW_TIE = 3.4028235677973366e38


class Parsed(NamedTuple):
    """Values of one type.

    Attributes:
        values: [n] int64 or float32 numpy array, or Arrow large_binary; anything where `bad`.
        bad: [n] bool, True where a value is not of that type.
    """

    values: np.ndarray | pa.Array
    bad: np.ndarray


def wider_kind(kind: ColumnType | None, other: ColumnType | None) -> ColumnType | None:
    """The wider of two types; None is the type of a column that has no value at all."""
    return max((kind, other), key=lambda k: -1 if k is None else COLUMN_TYPES.index(k))


def infer_kind(texts: pa.Array) -> ColumnType | None:
    """The narrowest type that takes every one of the texts, which hold no null and no empty text."""
    if not len(texts):
        return None
    ordinary = pc.match_substring_regex(texts, _INT_PATTERN)
    kind: ColumnType | None = "int" if pc.any(ordinary).as_py() else None
    texts = texts.filter(pc.invert(ordinary))
    if not len(texts):
        return kind
    ordinary = pc.match_substring_regex(texts, _FLOAT_PATTERN)
    # A row of digits too long for an ordinary int is wider than a float: Python looks at it.
    ordinary = pc.and_(ordinary, pc.match_substring_regex(texts, r"[.eE]"))
    if pc.any(ordinary).as_py():
        kind = "float"
    for text in texts.filter(pc.invert(ordinary)).to_pylist():
        kind = wider_kind(kind, _infer_text_kind(text))
        if kind == "bytes":
            break
    return kind


def _infer_text_kind(text: bytes) -> ColumnType:
    try:
        return "int" if _INT64.min <= int(text) <= _INT64.max else "bytes"
    except ValueError:
        pass
    try:
        float(text)
    except ValueError:
        return "bytes"
    return "float"


def parse_values(values: pa.Array, kind: ColumnType) -> Parsed:
    """Reads values without null, texts or numbers, as `kind`."""
    if kind == "bytes":
        return Parsed(_to_binary(values), np.zeros(len(values), bool))
    if is_text(values.type):
        return _parse_texts(_to_binary(values), kind)
    return _parse_numbers(values, kind)


def find_nan(values: pa.Array) -> np.ndarray:
    """[n] bool: which of the values without null, texts or numbers, are NaN."""
    if pa.types.is_floating(values.type):
        return np.isnan(values.to_numpy(zero_copy_only=False))
    if not is_text(values.type):
        return np.zeros(len(values), bool)
    return pc.match_substring_regex(_to_binary(values), r"(?i)^\s*[+-]?nan\s*$").to_numpy(zero_copy_only=False)


def is_text(type_: pa.DataType) -> bool:
    """Whether Arrow holds text or bytes."""
    return (
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
    )


def _to_binary(values: pa.Array) -> pa.Array:
    if not is_text(values.type):
        values = pc.cast(values, pa.large_string())
    return pc.cast(values, pa.large_binary())


def _parse_texts(texts: pa.Array, kind: ColumnType) -> Parsed:
    numbers = np.zeros(len(texts), np.int64 if kind == "int" else np.float64)
    remaining, bad = np.ones(len(texts), bool), np.zeros(len(texts), bool)
    for pattern, arrow_type in _ORDINARY_NUMBERS[kind]:
        if remaining.any():
            ordinary = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
            numbers[ordinary] = pc.cast(texts.filter(pa.array(ordinary)), arrow_type).to_numpy()
            remaining &= ~ordinary
    for i in np.flatnonzero(remaining):
        number = _read_number(texts[i].as_py(), kind)
        if number is None:
            bad[i] = True
        else:
            numbers[i] = number
    return Parsed(numbers if kind == "int" else _to_float32(numbers), bad)


def _read_number(text: bytes, kind: ColumnType) -> int | float | None:
    try:
        if kind == "float":
            return float(text)
        number = int(text)
    except ValueError:
        return _read_integral_float(text) if kind == "int" else None
    return number if _INT64.min <= number <= _INT64.max else None


def _read_integral_float(text: bytes) -> int | None:
    try:
        float(text)  # Decimal would also take misplaced underscores
        number = Decimal(text.decode("ascii"))
    except (ValueError, InvalidOperation):
        return None
    if not number.is_finite() or number.adjusted() > _MAX_INTEGRAL_DIGITS:
        return None
    integer = int(number)
    return integer if integer == number and abs(integer) <= MAX_INTEGRAL_FLOAT else None


def _parse_numbers(values: pa.Array, kind: ColumnType) -> Parsed:
    numbers = values.to_numpy(zero_copy_only=False)
    if kind == "float":
        return Parsed(_to_float32(numbers.astype(np.float64)), np.zeros(len(numbers), bool))
    if numbers.dtype.kind == "f":
        is_int64 = (np.floor(numbers) == numbers) & (np.abs(numbers) <= MAX_INTEGRAL_FLOAT)
    else:
        is_int64 = numbers <= np.uint64(_INT64.max) if numbers.dtype == np.uint64 else np.ones(len(numbers), bool)
    return Parsed(np.where(is_int64, numbers, 0).astype(np.int64), ~is_int64)


def _to_float32(numbers: np.ndarray) -> np.ndarray:
    halfway = np.abs(numbers) == _FLOAT32_OVERFLOW_TIE
    if halfway.any():
        numbers = np.where(halfway, np.copysign(np.finfo(np.float32).max, numbers), numbers)
    with np.errstate(over="ignore"):  # beyond float32 is infinity, as in protobuf
        return numbers.astype(np.float32)
