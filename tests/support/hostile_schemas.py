"""Curated schemas gone wrong."""

# ruff: noqa: E501 - tables of cases, one after another

from __future__ import annotations

from collections.abc import Iterator

GOOD_SCHEMA = """
feature { name: "a" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "b" type: BYTES }
feature { name: "y" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""
ACCEPTED, REFUSED, EITHER = "accepted", "refused", "either"


def schema_cases() -> Iterator[tuple[str, bytes, str]]:
    """(name, the schema's bytes, what is expected)."""
    good = GOOD_SCHEMA.encode()
    yield "good", good, ACCEPTED
    for name, content in {
        "empty": b"", "spaces": b"  \n", "an open brace": b"feature {", "a closed one": good + b"}", "yaml": b"feature:\n  - name: a\n",
        "an unknown field": good + b"featur { }", "another type of field": good + b"feature: 3", "a feature without a name": good + b"feature { type: INT }",
        "a feature twice": good + b'feature { name: "a" type: FLOAT }', "a struct": good + b'feature { name: "s" type: STRUCT }',
        "no type": good + b'feature { name: "s" }', "an unknown type": good + b'feature { name: "s" type: COMPLEX }',
        "a type by a wild number": good + b'feature { name: "s" type: 99999 }', "no label": b'feature { name: "a" type: INT }',
        "latin-1": good + b'feature { name: "\xe9" type: INT }', "NULs": b"\0" * 4096, "a NUL": good.replace(b'"a"', b'"a\0"'),
        "utf-16": GOOD_SCHEMA.encode("utf-16"), "gzip": b"\x1f\x8b\x08\0\0\0", "a name that is no UTF-8": good + rb'feature { name: "\377" type: INT }',
        "an escape that is none": good + rb'feature { name: "\xzz" type: INT }', "an open quote": good + b'feature { name: "a',
        "a shape that is none": good + b'feature { name: "s" type: INT shape { dim { size: -5 } } }',
        "several values a row": good + b'feature { name: "s" type: INT shape { dim { size: 7 } } }',
        "a size beyond 64 bits": good + b'feature { name: "s" type: INT shape { dim { size: 99999999999999999999 } } }',
        "nested without end": good + b"feature { struct_domain { " * 20_000, "nested and closed": b"feature { struct_domain { " * 3_000 + b"} }" * 3_000,
        "an extension": good + b"[x.y.z] { }", "an Any": good + b"[type.googleapis.com/x.Y] { }", "40 MB": good + b"# x\n" * (10 << 20),
        "noise": bytes(range(256)) * 20, "an unknown lifecycle": good + b'feature { name: "s" type: INT lifecycle_stage: GONE }',
    }.items():  # fmt: skip
        yield name, content, REFUSED
    for name, content in {
        "a byte-order mark": b"\xef\xbb\xbf" + good, "lines end as on Windows": good.replace(b"\n", b"\r\n"),
        "a comment with markup": b"# [/red] {{7*7}}\n" + good, "a feature named by markup": good + b'feature { name: "[/red]{{7*7}}" type: INT }',
        "10,000 features": good + b"".join(b'feature { name: "c%d" type: INT }\n' % n for n in range(10_000)),
    }.items():  # fmt: skip
        yield name, content, ACCEPTED
    for name, content in {
        "a fraction that is NaN": good.replace(b"min_fraction: 1", b"min_fraction: nan"), "a fraction of 7": good.replace(b"min_fraction: 1", b"min_fraction: 7"),
        "a domain that is nowhere": good.replace(b"BYTES", b'BYTES domain: "nowhere"'), "a domain upside down": good + b'feature { name: "s" type: INT int_domain { min: 9 max: 1 } }',
        "a long name": good + b'feature { name: "' + b"x" * 100_000 + b'" type: INT }', "a name of a terminal's": good + rb'feature { name: "\033[2J" type: INT }',
        "a domain of 20,000": good + b'string_domain { name: "d" ' + b"".join(b'value: "v%d" ' % n for n in range(20_000)) + b"}",
    }.items():  # fmt: skip
        yield name, content, EITHER
