import sys

import pyarrow.csv

from flightline.executors.example_gen.tables import open_table


def test_the_reading_thread_of_arrow_gets_no_python_object(tmp_path, monkeypatch):
    """It lets go of it when it likes: while the interpreter ends, that would end the process by SIGABRT."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    table = open_table(str(path))
    [piece] = table.pieces(1 << 20)
    held, read = [], pyarrow.csv.open_csv
    monkeypatch.setattr(
        pyarrow.csv, "open_csv", lambda *a, **b: held.append(sys.getrefcount(piece.data)) or read(*a, **b)
    )
    before = sys.getrefcount(piece.data)
    [block] = table.read(piece, 1 << 20)
    assert block.columns["a"].to_pylist() == [b"1", b"3"]
    assert held == [before]
