"""The picture program, run as its users run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from realtime_adain import Stylizer, __version__
from realtime_adain.__main__ import main as list_programs
from realtime_adain.image import main
from realtime_adain.pictures import load_picture, read_picture, write_picture

from .helpers import picture


@pytest.fixture
def run(tiny_weights, style_file, capsys):
    """Run the program with the tiny network; return status, output and error text."""

    def run(*arguments: object, styles: tuple[object, ...] = (style_file,)) -> tuple[int, str, str]:
        options = ["--style", *styles, "--model", tiny_weights, "--device", "cpu"]
        status = main([str(argument) for argument in (*arguments, *options)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    write_picture(path, picture(339, 457))
    return path


def test_picture_is_repainted_at_its_size(run, photo, tmp_path) -> None:
    status, out, _ = run(photo, tmp_path / "out.png")
    assert (status, out.strip()) == (0, str(tmp_path / "out.png"))
    result = read_picture(tmp_path / "out.png")
    assert result.shape == (339, 457, 3)
    assert (result != read_picture(photo)).any()


@pytest.mark.parametrize("allocate", [np.empty, torch.empty, "CUDA out of memory."])
def test_a_lack_of_memory_is_one_line(run, photo, tmp_path, monkeypatch, allocate) -> None:
    def stylize(*_):
        if isinstance(allocate, str):
            raise torch.OutOfMemoryError(allocate)
        allocate(1 << 58)

    monkeypatch.setattr(Stylizer, "stylize", stylize)
    status, _, error = run(photo, tmp_path / "out.png")
    assert (status, error) == (1, "realtime-adain: out of memory: smaller pictures need less\n")
    assert not (tmp_path / "out.png").exists()


def test_output_may_be_a_folder(run, photo, tmp_path) -> None:
    (tmp_path / "there").mkdir()
    assert run(photo, tmp_path / "there")[0] == 0
    assert read_picture(tmp_path / "there" / "photo.png").shape == (339, 457, 3)


def test_folder_goes_on_after_a_broken_picture(run, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "c.png"):
        write_picture(tmp_path / "in" / name, picture())
    (tmp_path / "in" / "b.png").write_text("no picture")
    status, _, err = run(tmp_path / "in", tmp_path / "out")
    assert status == 1
    assert "b.png: not a picture" in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]


def test_a_folder_that_cannot_be_written_is_told_before_the_painting(
    run, tmp_path, monkeypatch
) -> None:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    write_picture(tmp_path / "in" / "a.png", picture())
    monkeypatch.setattr("realtime_adain.writing.os.access", lambda *_: False)
    monkeypatch.setattr("realtime_adain.image.Painter", None)
    status, _, err = run(tmp_path / "in", tmp_path / "out")
    assert (status, err.endswith("out cannot be written to\n")) == (1, True)


def test_pictures_of_kinds_that_are_only_read_become_png(run, tmp_path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    encoded = cv2.imencode(".jpg", picture())[1]
    (album / "a.jfif").write_bytes(encoded.tobytes())
    (album / "b.heic").write_bytes(b"from a phone")
    (album / ".hidden").write_bytes(b"")
    status, _, err = run(album, tmp_path / "painted")
    assert (status, err.endswith("album: left out: b.heic\n")) == (0, True)
    assert [path.name for path in (tmp_path / "painted").iterdir()] == ["a.jfif.png"]
    status, _, err = run(album / "b.heic", tmp_path / "b.png")
    assert (status, err.endswith("convert it to JPEG first\n")) == (1, True)


def test_a_cut_out_stays_one_and_what_moves_is_told(run, tmp_path) -> None:
    cut_out = Image.fromarray(picture())
    cut_out.putalpha(Image.fromarray(picture(seed=3)[:, :, 0]))
    cut_out.save(tmp_path / "in.png")
    assert run(tmp_path / "in.png", tmp_path / "out.webp")[0] == 0
    opacity = load_picture(tmp_path / "out.webp").opacity
    np.testing.assert_array_equal(opacity, picture(seed=3)[:, :, 0])

    frames = [Image.fromarray(picture(seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:])
    status, _, err = run(tmp_path / "in.gif", tmp_path / "out.png")
    assert (status, "in.gif: moves" in err) == (0, True)


def test_a_broken_picture_in_a_folder_of_styles_is_left_out(
    run, photo, style_file, tmp_path
) -> None:
    paintings = tmp_path / "paintings"
    paintings.mkdir()
    (paintings / "broken.jpg").write_text("no picture")
    status, _, err = run(photo, tmp_path / "out.png", styles=(paintings,))
    assert (status, err.endswith("paintings: holds no picture that can be read\n")) == (1, True)
    shutil.copy(style_file, paintings)
    status, _, err = run(photo, tmp_path / "out.png", styles=(paintings,))
    assert (status, err.count("\n")) == (0, 1)
    assert "broken.jpg: not a picture that can be read, left out" in err


def test_several_styles_are_mixed(run, photo, style_file, tmp_path, tiny_weights) -> None:
    other = tmp_path / "other.png"
    write_picture(other, 255 - picture(seed=9))
    results = []
    for styles in ([style_file], [other], [style_file, other]):
        arguments = [photo, tmp_path / "out.png", "--model", tiny_weights, "--device", "cpu"]
        assert main([str(item) for item in (*arguments, "--style", *styles)]) == 0
        results.append(read_picture(tmp_path / "out.png"))
    assert not np.array_equal(results[2], results[0])
    assert not np.array_equal(results[2], results[1])


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("gone.png", "out.png", "gone.png: no such file or folder"),
        ("photo.png", "out.xyz", "unknown picture suffix '.xyz'"),
        ("photo.png", "gone/out.png", "gone does not exist"),
        ("photo.png", "photo.png", "the output is the input"),
        ("folder", "folder", "the output is the input"),
        ("folder", "photo.png", "is a file, but the input"),
        ("text.jpg", "out.png", "text.jpg: not a picture"),
    ],
)
def test_bad_input_is_one_line_and_loses_nothing(run, photo, tmp_path, source, target, message):
    before = photo.read_bytes()
    (tmp_path / "folder").mkdir()
    write_picture(tmp_path / "folder" / "a.png", picture())
    (tmp_path / "text.jpg").write_text("text")
    status, _, err = run(tmp_path / source, tmp_path / target)
    assert status == 1
    assert message in err and err.count("\n") == 1
    assert photo.read_bytes() == before
    assert not (tmp_path / "out.png").exists()


def test_a_style_and_a_mask_are_not_painted_over(run, photo, style_file, tmp_path) -> None:
    mask = tmp_path / "mask.png"
    write_picture(mask, picture(40, 40))
    for kept in (style_file, mask):
        before = kept.read_bytes()
        status, _, err = run(photo, kept, "--mask", mask, styles=(style_file, "waves"))
        assert status == 1
        assert f"{kept}: is read too, as picture, style or mask; name another" in err
        assert kept.read_bytes() == before


def test_that_a_mask_has_more_colours_than_styles_is_told(run, photo, tmp_path) -> None:
    stripes = np.repeat(np.uint8([0, 100, 255]), 10)
    write_picture(tmp_path / "mask.png", np.tile(stripes[None, :, None], (20, 1, 3)))
    words = ("--mask", tmp_path / "mask.png")
    status, _, err = run(photo, tmp_path / "out.png", *words, styles=("ink", "waves"))
    assert (status, "mask.png: has 3 colours for 2 styles; like colours share" in err) == (0, True)
    status, _, err = run(photo, tmp_path / "out.png", *words, styles=("ink", "waves", "neon"))
    assert (status, err) == (0, "")


def test_a_folder_is_not_painted_over_what_its_links_lead_to(run, tmp_path) -> None:
    for name in ("originals", "links"):
        (tmp_path / name).mkdir()
    original = tmp_path / "originals" / "a.png"
    write_picture(original, picture())
    (tmp_path / "links" / "a.png").symlink_to(original)
    before = original.read_bytes()
    status, _, err = run(tmp_path / "links", original.parent)
    assert (status, "a.png: is read too" in err) == (1, True)
    assert original.read_bytes() == before


def test_a_large_photograph_is_told_how_to_get_larger_strokes(run, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "in" / name, np.zeros((2008, 2008, 3), np.uint8))
    _, _, err = run(tmp_path / "in", tmp_path / "out", "--alpha", "0")
    assert err.count("a.png: strokes are fine at 2008x2008 pixels; --size 1440") == 1
    assert err.count("\n") == 1
    assert run(tmp_path / "in", tmp_path / "out", "--alpha", "0", "--size", "1440")[2] == ""


def test_two_pictures_do_not_become_one(run, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jfif", "a.jfif.png"):
        Image.fromarray(picture()).save(tmp_path / "in" / name)
    status, _, err = run(tmp_path / "in", tmp_path / "out")
    assert (status, err.endswith("a.jfif.png would both become it\n")) == (1, True)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_every_name_is_painted_and_told(tmp_path, tiny_weights) -> None:
    album = tmp_path / "album"
    album.mkdir()
    names = [b"caf\xe9.png", 124 * "ß".encode() + b".png"]  # not UTF-8; 252 bytes
    for name in names:
        write_picture(tmp_path / "a.png", picture())
        (tmp_path / "a.png").rename(album / os.fsdecode(name))
    command = [sys.executable, "-m", "realtime_adain.image", album, tmp_path / "out"]
    options = ["--model", tiny_weights, "--device", "cpu", "--engine", "torch"]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([*command, *options], env=strict, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {os.fsencode(path.name) for path in (tmp_path / "out").iterdir()} == set(names)


def test_what_the_system_refuses_is_one_line(run, photo, tmp_path, monkeypatch) -> None:
    (tmp_path / "folder").mkdir()

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("realtime_adain.image.list_pictures", refuse)
    status, _, err = run(tmp_path / "folder", tmp_path / "out")
    assert (status, err) == (1, f"realtime-adain: {tmp_path / 'folder'}: Permission denied\n")


def test_unknown_style_suggests(run, photo, tmp_path) -> None:
    status, _, err = run(photo, tmp_path / "out.png", styles=("stary",))
    assert status == 1
    assert "no style named 'stary'; did you mean 'starry'" in err
    status, _, err = run(photo, tmp_path / "out.png", styles=("mine.jpg",))
    assert status == 1
    assert "mine.jpg: no such style file" in err


@pytest.mark.parametrize(
    "option", [("--alpha", "1.5"), ("--alpha", "much"), ("--size", "3"), ("--size", "big")]
)
def test_bad_option_is_a_usage_error(run, photo, tmp_path, option, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(photo, tmp_path / "out.png", *option)
    error = capsys.readouterr().err
    assert f"argument {option[0]}" in error
    assert "_" not in error.splitlines()[-1].removeprefix("python -m realtime_adain.image")


def test_package_lists_its_programs(capsys) -> None:
    with pytest.raises(SystemExit):
        list_programs(["paint"])
    assert "no program named 'paint', there are webcam, video," in capsys.readouterr().err
    assert list_programs([]) == 0
    out = capsys.readouterr().out
    for program in ("webcam", "video", "image", "train"):
        assert f"realtime-adain {program}" in out


def test_programs_are_run_by_the_package_too(photo, style_file, tiny_weights, tmp_path) -> None:
    out = tmp_path / "out.png"
    options = ["--style", str(style_file), "--model", str(tiny_weights)]
    assert list_programs(["image", str(photo), str(out), *options]) == 0
    assert out.exists()
    with pytest.raises(SystemExit):
        list_programs(["weights", "--help"])


@pytest.mark.parametrize(
    "order",
    [
        ["--style", "STYLE", "IN", "OUT"],
        ["IN", "--style", "STYLE", "OUT"],
        ["IN", "--alpha", "0.5", "OUT", "--style", "STYLE"],
        ["--style", "STYLE", "IN", "--alpha", "0.5", "OUT"],
        ["--alpha", "0.5", "IN", "--style", "STYLE", "OUT", "--colour", "style"],
        ["IN", "--profile", "LOOK", "OUT"],
        ["--profile", "LOOK", "IN", "--alpha", "0.5", "OUT"],
        ["--style", "STYLE", "--", "IN", "OUT"],
        ["--style", "STYLE", "--", "-dash.png", "OUT"],
        ["./-dash.png", "--style", "STYLE", "OUT"],
    ],
)
def test_files_may_stand_before_and_after_the_styles(
    order, photo, style_file, tiny_weights, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photo.with_name("-dash.png").write_bytes(photo.read_bytes())
    look = tmp_path / "look.toml"
    look.write_text(f'style = ["{style_file.as_posix()}"]\n')
    out = tmp_path / "out.png"
    write_picture(out, picture(16, 16))  # it is there already: changing places would be read
    before = photo.read_bytes()
    files = {"IN": photo, "OUT": out, "STYLE": style_file, "LOOK": look}
    arguments = [str(files.get(word, word)) for word in order]
    assert main(["--model", str(tiny_weights), *arguments]) == 0
    assert photo.read_bytes() == before
    assert read_picture(out).shape == read_picture(photo).shape


@pytest.mark.parametrize(
    ("words", "missing"),
    [([], "input, output"), (["in.png"], "output"), (["--style", "in.png"], "input, output")],
)
def test_missing_files_are_named(words, missing, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    told = f"realtime-adain: the following arguments are required: {missing} (--help tells more)\n"
    assert capsys.readouterr().err == told


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_has_seen_enough_is_no_error(photo, style_file, tiny_weights, tmp_path):
    command = [sys.executable, "-m", "realtime_adain", "image", str(photo)]
    command += [str(tmp_path / "out.png"), "--style", str(style_file), "--model", str(tiny_weights)]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, "")


def test_a_program_of_the_package_is_that_of_the_process(monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        "realtime_adain.image.main", lambda argv=None: seen.append((argv, sys.argv))
    )
    monkeypatch.setattr(sys, "argv", ["realtime-adain", "image", "a.png", "b.png"])
    list_programs()
    assert seen == [(None, ["realtime-adain", "a.png", "b.png"])]


def test_version_is_printed_by_the_command() -> None:
    command = [sys.executable, "-m", "realtime_adain", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"realtime-adain {__version__}"


def test_a_name_that_is_empty_or_of_the_wrong_kind_is_refused(run, photo, tmp_path, capsys) -> None:
    for words in (["", "out.png"], ["in.png", ""]):
        with pytest.raises(SystemExit):
            main(words)
        assert capsys.readouterr().err.startswith("realtime-adain: the name of a file is empty")
    with pytest.raises(SystemExit):
        main(["in.png", "out.png", "--style", "ink", "--mix", "waves:0.5,ink:0.5"])
    assert "--mix names its styles itself: leave --style out" in capsys.readouterr().err
    status, _, err = run(photo.parent, tmp_path / "gone" / "out.png")
    assert (status, "is a picture's name, but the input" in err) == (1, True)
