import os
import subprocess
import sys

import pytest

from flightline.runs.process.log_capture import capture_output


def test_all_output_goes_to_the_log_except_that_to_the_yielded_streams(tmp_path, capfd):
    with capture_output(tmp_path / "log.txt") as terminal:
        os.write(1, b"from C on 1\n")
        os.write(2, b"from C on 2\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        terminal.out.write("to the user\n")
    os.write(1, b"after\n")
    logged = (tmp_path / "log.txt").read_text()
    assert {"from C on 1", "from C on 2", "from a child"} <= set(logged.splitlines())
    assert "to the user" not in logged
    assert capfd.readouterr().out == "to the user\nafter\n"


def test_the_descriptors_are_restored_after_an_error(tmp_path, capfd):
    with pytest.raises(ValueError, match="boom"), capture_output(tmp_path / "log.txt"):
        raise ValueError("boom")
    os.write(2, b"visible\n")
    assert capfd.readouterr().err == "visible\n"


def test_nothing_is_redirected_if_the_log_cannot_be_opened(tmp_path, capfd):
    with pytest.raises(OSError, match="absent"), capture_output(tmp_path / "absent" / "log.txt"):
        pass
    os.write(1, b"visible\n")
    assert capfd.readouterr().out == "visible\n"
