"""CSV text gone wrong in every way that files do: each mutator takes the good text and a seeded random, spoils it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

COLUMNS = ["id", "distance", "delay", "carrier", "note", "late"]
TYPES = {"id": "int", "distance": "float", "delay": "int", "carrier": "bytes", "note": "bytes", "late": "int"}
ROWS = 40
Mutator = Callable[[bytes, random.Random], bytes]


def good_csv(quoted: bool = False) -> bytes:
    """A small table that has nothing wrong with it; with quoted cells, commas and line breaks in them where asked."""
    lines = [",".join(COLUMNS)]
    for row in range(ROWS):
        note = f'"a ""{row}"", b\nc"' if quoted and row % 3 == 0 else f"é{row}"
        lines.append(f"{row},{row * 10.5},{row - 5},{'AUW'[row % 3]}A,{note},{row % 2}")
    return ("\n".join(lines) + "\n").encode()


def _edit_lines(change: Callable[[list[bytes], random.Random], None]) -> Mutator:
    def mutate(text: bytes, rng: random.Random) -> bytes:
        lines = text.split(b"\n")
        change(lines, rng)
        return b"\n".join(lines)

    return mutate


def _replace_cells(value: bytes, times: int = 5) -> Mutator:
    """Puts a value into cells here and there."""

    @_edit_lines
    def mutate(lines: list[bytes], rng: random.Random) -> None:
        for _ in range(times):
            line = rng.randrange(1, len(lines) - 1)
            cells = lines[line].split(b",")
            cells[rng.randrange(len(cells))] = value
            lines[line] = b",".join(cells)

    return mutate


def _insert_bytes(piece: bytes, times: int = 3, in_header: bool = False) -> Mutator:
    def mutate(text: bytes, rng: random.Random) -> bytes:
        for _ in range(times):
            at = rng.randrange(0 if in_header else text.index(b"\n") + 1, len(text))
            text = text[:at] + piece + text[at:]
        return text

    return mutate


def _encode(encoding: str) -> Mutator:
    return lambda text, _: text.decode().encode(encoding, errors="replace")


def _replace_bytes(old: bytes, new: bytes) -> Mutator:
    return lambda text, _: text.replace(old, new)


def _replace_file(content: bytes) -> Mutator:
    return lambda _, __: content


def _replace_header(header: bytes) -> Mutator:
    return lambda text, _: header + text[text.index(b"\n") :]


@_edit_lines
def _make_ragged(lines: list[bytes], rng: random.Random) -> None:
    for line in rng.sample(range(1, len(lines) - 1), 10):
        cells = lines[line].split(b",")
        lines[line] = b",".join(cells[: rng.randrange(1, 9)] + [b"x"] * rng.randrange(4))


@_edit_lines
def _shuffle_cells(lines: list[bytes], rng: random.Random) -> None:
    for line in range(1, len(lines) - 1):
        cells = lines[line].split(b",")
        rng.shuffle(cells)
        lines[line] = b",".join(cells)


def _flip_bytes(text: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(text)
    for _ in range(rng.randrange(1, 40)):
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    return bytes(spoilt)


def _truncate(text: bytes, rng: random.Random) -> bytes:
    return text[: rng.randrange(len(text))]


def _splice(text: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randrange(1, 6)):
        start, end = sorted(rng.sample(range(len(text)), 2))
        at = rng.randrange(len(text))
        text = text[:at] + text[start:end] + text[at:]
    return text


def _random_bytes(_: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, 5000))


def _random_punctuation(_: bytes, rng: random.Random) -> bytes:
    pieces = [b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"1", b"a", b"'", b"\\", b";", b"\t", b"\x1a"]
    return b"a,b\n" + b"".join(rng.choices(pieces, k=rng.randrange(1, 400)))


def wide_csv(columns: int, rows: int = 3) -> bytes:
    """A table of many columns."""
    return b"\n".join([b",".join(b"c%d" % i for i in range(columns)), *[b",".join([b"1"] * columns)] * rows]) + b"\n"


_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift-jis", "utf-7", "utf-8-sig",
              "cp037", "gb18030", "koi8-r")  # fmt: skip
_VALUES = (
    b"inf", b"-inf", b"Infinity", b"nan", b"-nan", b"1e39", b"-1e400", b"0x1F", b"1_000", b"1,5", b" 7 ", b"+3", b"--3",
    b"9223372036854775808", b"-9223372036854775809", b"9" * 25, b"9" * 5000, b"1" + b"0" * 400, b"1e", b".",
    b"-", b"1.5",
    b"true", b"NULL", b"N/A", b"\xd9\xa3", b"\xe2\x88\x9e", b"1\xc2\xa0000", b"=1+1", b"'; DROP TABLE x", b"{SPAN}",
    b"{{7*7}}", b"<script>", b"\x1b[2J", b"\xf0\x9f\x9b\xab", b"\xed\xa0\x80", b"\xc0\x80", b"\xff\xfe",
    b"%s%n", b"../../x",
)  # fmt: skip
_INSERTED = {
    "nul": b"\0", "quote": b'"', "two quotes": b'""', "three quotes": b'"""', "quote and comma": b'",', "return": b"\r",
    "bom": b"\xef\xbb\xbf", "newlines": b"\n\n\n", "formfeed": b"\x0c\x0b", "nel": b"\xc2\x85", "ls": b"\xe2\x80\xa8",
    "ctrl-z": b"\x1a", "escape": b"\x1b[31m", "backslash quote": b'\\"', "half a character": b"\xe2\x82",
}  # fmt: skip
_HEADERS = {
    "twice": b"id,distance,delay,carrier,id,late", "all the same": b"a,a,a,a,a,a",
    "empty name": b"id,,delay,,note,late",
    "no name": b",,,,,", "numbers": b"1,2,3,4,5,6", "spaces": b" id ,distance , delay,carrier,note,late",
    "quoted": b'"id","distance","delay","carrier","note","late"', "open quote": b'"id,distance,delay,carrier,note,late',
    "nul": b"id,dis\0tance,delay,carrier,note,late", "short": b"id,late",
    "semicolons": b"id;distance;delay;carrier;late",
    "not utf-8": b"id,dist\xff,delay,carrier,note,late", "markup": b"id,[/red],{{x}},<b>,note,late", "blank": b"",
    "label missing": b"id,distance,delay,carrier,note,lat", "line break": b'id,"dis\ntance",delay,carrier,note,late',
    "bom twice": b"\xef\xbb\xbf\xef\xbb\xbfid,distance,delay,carrier,note,late", "long name": b"id," + b"x" * 200_000,
}  # fmt: skip
_WHOLE = {
    "nothing": b"", "newline": b"\n", "newlines": b"\n" * 1000, "spaces": b"   \n  \n", "bom": b"\xef\xbb\xbf",
    "header alone": b"id,late\n", "header without end": b"id,late", "nuls": b"\0" * 4096, "commas": b"," * 500,
    "one quote": b'"', "quotes": b'"' * 1001, "html": b"<html><body>404</body></html>\n", "json": b'{"a": 1}\n',
    "gzip inside": b"\x1f\x8b\x08\0\0\0\0\0", "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "one column": b"late\n1\n\n0\n",
    "parquet magic": b"PAR1PAR1", "blank rows": b"id,late\n\n\n1,1\n\n", "rows of commas": b"id,late\n,\n,\n,\n",
}  # fmt: skip


def mutators() -> Iterator[tuple[str, Mutator, int]]:
    """(name, mutator, how many seeds it is worth)."""
    for encoding in _ENCODINGS:
        yield f"encoded as {encoding}", _encode(encoding), 1
    for value in _VALUES:
        yield f"cells of {value[:12]!r}, {len(value)} bytes", _replace_cells(value), 2
    for name, piece in _INSERTED.items():
        yield f"inserted {name}", _insert_bytes(piece), 4
        yield f"inserted {name} from the header on", _insert_bytes(piece, 40, in_header=True), 1
    for name, header in _HEADERS.items():
        yield f"header: {name}", _replace_header(header), 1
    for name, content in _WHOLE.items():
        yield f"whole: {name}", _replace_file(content), 1
    for end in (b"\r", b"\r\n", b"\n\r", b"\r\r\n", b"\x1e"):
        yield f"lines end in {end!r}", _replace_bytes(b"\n", end), 1
    for separator in (b";", b"\t", b"|", b", "):
        yield f"separated by {separator!r}", _replace_bytes(b",", separator), 1
    yield "ragged rows", _make_ragged, 12
    yield "shuffled cells", _shuffle_cells, 6
    yield "flipped bytes", _flip_bytes, 40
    yield "cut short", _truncate, 20
    yield "spliced", _splice, 25
    yield "noise", _random_bytes, 15
    yield "punctuation", _random_punctuation, 40
    yield from _huge_files()


def _huge_files() -> Iterator[tuple[str, Mutator, int]]:
    for size in (100_000, 200_000, 3 << 20):
        yield f"a cell of {size} bytes", _replace_cells(b"x" * size, 1), 1
        yield f"a quoted cell of {size} bytes", _replace_cells(b'"' + b"x\n" * (size // 2) + b'"', 1), 1
        yield f"a cell of {size} digits", _replace_cells(b"7" * size, 1), 1
    yield "a quote closed after 18 MB", lambda text, _: text + b'"' + b"x," * (9 << 20) + b'"\n', 1
    yield "a quote never closed", lambda text, _: text + b'"' + b"x\n" * (9 << 20), 1
    yield "a line of 18 MB", lambda text, _: text + b"x" * (18 << 20), 1
    yield "a header of 18 MB", _replace_file(b"x" * (18 << 20)), 1
    yield "a header of 2,000,000 names", lambda _, __: wide_csv(2_000_000, 0), 1
    yield "a header of 2,000,000 empty names", lambda _, __: b"," * 2_000_000 + b"\n1\n", 1
    yield "10,000 columns", lambda _, __: wide_csv(10_000), 1
    yield "10,000 columns, ragged", lambda _, __: wide_csv(10_000) + b"1,2,3\n" * 500, 1
    yield "10,000 columns, twice each", lambda _, __: (wide_csv(5_000, 0).strip() + b",") * 2 + b"\n1\n", 1
    yield "200,000 blank lines", lambda text, _: text + b"\r\n" * 200_000, 1
    yield "200,000 short rows", lambda text, _: text + b"x\n" * 200_000, 1
    yield "20,000 cells of the wrong type", lambda text, _: text + b"x,y,z,c,n,1\n" * 20_000, 1
