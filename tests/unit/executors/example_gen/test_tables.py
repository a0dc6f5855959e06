import sys

import pyarrow.csv

from flightline.executors.example_gen.tables import open_table


def test_arrow_s_reader_thread_holds_no_reference_to_a_python_object(tmp_path, monkeypatch):
    """The thread releases references at any time: during interpreter shutdown, that aborts the process (SIGABRT)."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    table = open_table(str(path))
    [piece] = table.pieces(1 << 20)
    reference_counts, read = [], pyarrow.csv.open_csv
    monkeypatch.setattr(
        pyarrow.csv, "open_csv", lambda *a, **b: reference_counts.append(sys.getrefcount(piece.data)) or read(*a, **b)
    )
    before = sys.getrefcount(piece.data)
    [block] = table.read(piece, 1 << 20)
    assert block.columns["a"].to_pylist() == [b"1", b"3"]
    assert reference_counts == [before]
