"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from realtime_adain.writing import whole_file


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
