"""Files gone wrong as files: packed and cut short, of another kind than their name, links, pipes, Parquet."""

from __future__ import annotations

import gzip
import os
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from hostile_csv import good_csv, mutators
from sandbox import numbered_names

FileMaker = Callable[[Path, random.Random], list[Path]]


@dataclass(frozen=True)
class FileCase:
    """Files to ingest; `make(folder)` writes them and returns their paths, the same at every call."""

    name: str
    _make: FileMaker

    def make(self, folder: Path) -> list[Path]:
        return self._make(folder, random.Random(self.name))


def file_cases() -> Iterator[FileCase]:
    """All of them."""
    for name, mutate, times in mutators():
        for each in numbered_names(name, times):
            yield FileCase(each, partial(_write_mutated, mutate=mutate, quoted=each.endswith(("1", "3"))))
    for name, make, times in [*_compressed_cases(), *_path_cases(), *_multi_file_cases(), *_parquet_cases()]:
        for each in numbered_names(name, times):
            yield FileCase(each, make)


def _write_mutated(folder: Path, rng: random.Random, mutate, quoted: bool) -> list[Path]:
    return [_write_file(folder / "in.csv", mutate(good_csv(quoted), rng))]


def _write_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _bytes_maker(name: str, content: Callable[[random.Random], bytes]) -> FileMaker:
    return lambda folder, rng: [_write_file(folder / name, content(rng))]


def _flip_bytes(content: bytes, rng: random.Random, times: int = 8, begin: int = 0) -> bytes:
    spoilt = bytearray(content)
    for _ in range(rng.randrange(1, times)):
        spoilt[rng.randrange(begin, len(spoilt))] = rng.randrange(256)
    return bytes(spoilt)


def _compressed_cases() -> Iterator[tuple[str, FileMaker, int]]:
    packed = gzip.compress(good_csv() * 20, mtime=0)
    zst = pa.compress(good_csv() * 20, codec="zstd", asbytes=True)
    yield "gzip cut short", _bytes_maker("in.csv.gz", lambda rng: packed[: rng.randrange(len(packed))]), 15
    yield "gzip with flipped bytes", _bytes_maker("in.csv.gz", lambda rng: _flip_bytes(packed, rng)), 25
    yield (
        "gzip with flipped bytes after its head",
        _bytes_maker("in.csv.gz", lambda rng: _flip_bytes(packed, rng, begin=10)),
        15,
    )
    yield "gzip of nothing", _bytes_maker("in.csv.gz", lambda _: gzip.compress(b"")), 1
    yield "gzip twice", _bytes_maker("in.csv.gz", lambda _: gzip.compress(packed)), 1
    yield "gzip in two members", _bytes_maker("in.csv.gz", lambda _: packed + gzip.compress(b"1,2,3,A,n,1\n")), 1
    yield "gzip and garbage", _bytes_maker("in.csv.gz", lambda _: packed + b"garbage"), 1
    yield "gzip and zeros", _bytes_maker("in.csv.gz", lambda _: packed + b"\0" * 512), 1
    yield "plain text named gz", _bytes_maker("in.csv.gz", lambda _: good_csv()), 1
    yield "an empty file named gz", _bytes_maker("in.csv.gz", lambda _: b""), 1
    yield "gzip named csv", _bytes_maker("in.csv", lambda _: packed), 1
    yield "zstd cut short", _bytes_maker("in.csv.zst", lambda rng: zst[: rng.randrange(len(zst))]), 8
    yield "zstd with flipped bytes", _bytes_maker("in.csv.zst", lambda rng: _flip_bytes(zst, rng)), 15
    yield "plain text named zst", _bytes_maker("in.csv.zst", lambda _: good_csv()), 1
    yield "a bomb of zeros", _bytes_maker("in.csv.gz", lambda _: _zip_bomb(b"", b"\0")), 1
    yield "a bomb in a quote", _bytes_maker("in.csv.gz", lambda _: _zip_bomb(good_csv() + b'"', b"a\n")), 1
    yield "a bomb in a cell", _bytes_maker("in.csv.gz", lambda _: _zip_bomb(good_csv(), b"7")), 1


def _zip_bomb(begin: bytes, filling: bytes) -> bytes:
    """Half a gigabyte that comes in half a megabyte: members of one gzip file, each unpacked on its own."""
    return gzip.compress(begin) + gzip.compress(filling * ((16 << 20) // len(filling))) * 32


def _path_cases() -> Iterator[tuple[str, FileMaker, int]]:
    def link(to: Callable[[Path], Path | str]) -> FileMaker:
        def make(folder: Path, rng: random.Random) -> list[Path]:
            (folder / "in.csv").symlink_to(to(folder))
            return [folder / "in.csv"]

        return make

    def made(make: Callable[[Path], object], name: str = "in.csv") -> FileMaker:
        def make_it(folder: Path, rng: random.Random) -> list[Path]:
            make(folder / name)
            return [folder / name]

        return make_it

    def listening(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(os.path.relpath(path))  # the path of a socket has to be short

    yield "no such file", made(lambda _: None), 1
    yield "a directory", made(Path.mkdir), 1
    yield "a directory named parquet", made(Path.mkdir, "in.parquet"), 1
    yield "a directory named gz", made(Path.mkdir, "in.csv.gz"), 1
    yield "a pipe that nobody writes to", made(os.mkfifo), 1
    yield "a pipe named parquet", made(os.mkfifo, "in.parquet"), 1
    yield "a socket", made(listening), 1
    yield "a link to a good file", link(lambda folder: _write_file(folder / "good", good_csv())), 1
    yield "a link to nothing", link(lambda folder: folder / "nothing"), 1
    yield "a link to itself", link(lambda folder: "in.csv"), 1
    yield "a link to a directory", link(lambda folder: folder), 1
    yield "a link to zeros without end", link(lambda _: "/dev/zero"), 1
    yield "a link to nothing at all", link(lambda _: "/dev/null"), 1
    yield "a link to memory", link(lambda _: "/proc/self/mem"), 1
    for name in (
        "a\nb.csv",
        "\x1b[2J.csv",
        "[red].csv",
        "{SPAN}.csv",
        "ü漢.csv",
        "-rf.csv",
        "a b'\".csv",
        "x" * 251 + ".csv",
    ):
        yield f"a file named {name[:20]!r}", made(lambda path: _write_file(path, good_csv()), name), 1
        yield f"a bad file named {name[:20]!r}", made(lambda path: _write_file(path, b""), name), 1
    yield "a name that no file can have", made(lambda _: None, "x" * 300 + ".csv"), 1
    yield "a name with a NUL", made(lambda _: None, "a\0b.csv"), 1


def _multi_file_cases() -> Iterator[tuple[str, FileMaker, int]]:
    def two(second: bytes, name: str = "b.csv") -> FileMaker:
        return lambda folder, rng: [_write_file(folder / "a.csv", good_csv()), _write_file(folder / name, second)]

    yield "two files, the same twice", two(good_csv()), 1
    yield "two files, other columns", two(good_csv().replace(b"delay", b"arrival")), 1
    yield "two files, columns in another order", two(b"late,id,distance,delay,carrier,note\n1,1,1,1,A,n\n"), 1
    yield "two files, one of nothing", two(b""), 1
    yield "two files, one without rows", two(good_csv().split(b"\n")[0] + b"\n"), 1
    yield "two files, one of 10,000 columns", two(b",".join(b"c%d" % i for i in range(10_000)) + b"\n"), 1
    yield "two files, other types", two(good_csv().replace(b".", b"x")), 1
    yield "two files, one packed", two(gzip.compress(good_csv()), "b.csv.gz"), 1
    yield "no file at all", lambda folder, rng: [], 1


def parquet_bytes(table: pa.Table, **options) -> bytes:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def good_table() -> pa.Table:
    return pa.table({
        "id": list(range(40)), "distance": [i * 1.5 for i in range(40)], "carrier": ["AA", "", None, "UA"] * 10,
        "late": [i % 2 for i in range(40)],
    })  # fmt: skip


def _parquet_cases() -> Iterator[tuple[str, FileMaker, int]]:
    good = parquet_bytes(good_table(), row_group_size=10)
    plain = parquet_bytes(good_table(), use_dictionary=False, compression="NONE")
    yield "parquet cut short", _bytes_maker("in.parquet", lambda rng: good[: rng.randrange(len(good))]), 10
    yield "parquet with flipped bytes", _bytes_maker("in.parquet", lambda rng: _flip_bytes(good, rng)), 40
    yield "plain parquet with flipped bytes", _bytes_maker("in.parquet", lambda rng: _flip_bytes(plain, rng)), 30
    yield (
        "parquet with a spoilt end",
        _bytes_maker("in.parquet", lambda rng: _flip_bytes(good, rng, begin=len(good) // 2)),
        30,
    )
    yield (
        "parquet without its middle",
        _bytes_maker("in.parquet", lambda rng: good[:200] + good[-rng.randrange(8, 600) :]),
        6,
    )
    yield "an empty parquet", _bytes_maker("in.parquet", lambda _: b""), 1
    yield "parquet magic alone", _bytes_maker("in.parquet", lambda _: b"PAR1\xff\xff\xff\x7fPAR1"), 1
    yield "csv named parquet", _bytes_maker("in.parquet", lambda _: good_csv()), 1
    yield "parquet named csv", _bytes_maker("in.csv", lambda _: good), 1
    for name, table in _odd_tables():
        yield f"parquet: {name}", _bytes_maker("in.parquet", lambda _, table=table: parquet_bytes(table())), 1


def _odd_tables() -> Iterator[tuple[str, Callable[[], pa.Table]]]:
    late = pa.array([1, 0, None])
    odd = {
        "lists": pa.array([[1], [], None]), "structs": pa.array([{"a": 1}, None, {"a": 2}]),
        "decimals": pa.array([1, 2, 3], pa.decimal128(9, 2)), "dates": pa.array([1, 2, 3], pa.date32()),
        "times": pa.array([1, 2, 3], pa.timestamp("us", "UTC")), "nulls": pa.nulls(3),
        "booleans": pa.array([True, None, False]),
        "bytes": pa.array([b"\xff\xfe", b"", b"\0"]), "unsigned": pa.array([1, 2**64 - 1, 0], pa.uint64()),
        "infinities": pa.array([float("inf"), float("-inf"), float("nan")]), "dictionary": pa.array(["a",
        "b", None]).dictionary_encode(),
        "texts as a number": pa.array(["1", "x", "inf"]),
        "maps": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "fixed bytes": pa.array([b"abc", b"\xff\xff\xff", None], pa.binary(3)),
        "doubles as ids": pa.array([1.5, 1e300, float("nan")]),
        "dictionary of bytes": pa.array([b"\xff", b"a", None]).dictionary_encode(),
        "small": pa.array([1, -128, None], pa.int8()),
    }  # fmt: skip
    for name, column in odd.items():
        yield f"{name} as an int", lambda column=column: pa.table({"id": column, "late": late})
        yield f"{name} as a float", lambda column=column: pa.table({"distance": column, "late": late})
        yield f"{name} as text", lambda column=column: pa.table({"note": column, "late": late})
        yield f"{name}, whatever it is", lambda column=column: pa.table({"other": column, "late": late})
        yield f"{name} as the label", lambda column=column: pa.table({"late": column})
    yield "no column", lambda: pa.table({})
    yield "no row", lambda: good_table().slice(0, 0)
    yield "the same name twice", lambda: pa.table([late, late], names=["late", "late"])
    yield "odd names", lambda: pa.table([late] * 5, names=["", "a.b", "a\0b", "[/red]\n", "late"])
    yield "10,000 columns", lambda: pa.table([late] * 10_000, names=[*(f"c{i}" for i in range(9_999)), "late"])
    yield "a text of 20 MB", lambda: pa.table({"note": ["x" * (20 << 20), "", None], "late": late})
    yield (
        "a gigabyte that packs well",
        lambda: pa.table({"note": pa.array(["x" * (1 << 20)] * 100).dictionary_encode(), "late": [1] * 100}),
    )
