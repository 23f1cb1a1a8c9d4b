"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from realtime_adain.writing import whole_file, why_not_writable


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("older")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert [file.read_text() for file in tmp_path.iterdir()] == ["older"]


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions")
def test_new_files_have_the_usual_permissions(tmp_path) -> None:
    (tmp_path / "usual").touch()
    with whole_file(tmp_path / "whole") as part:
        part.write_text("all")
    usual, whole = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "whole"))
    assert whole == usual


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions")
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    with whole_file(path) as part:
        part.write_text("new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes by name")
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    assert why_not_writable(tmp_path / "pipe") == "is no ordinary file"
    assert why_not_writable(tmp_path / "link") == "is no ordinary file"


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="nothing stops root")
def test_a_write_protected_file_is_not_replaced(tmp_path) -> None:
    (tmp_path / "file").touch(0o444)
    assert why_not_writable(tmp_path / "file") == "is write-protected"
    assert why_not_writable(tmp_path / "file", replaces=False) is None
