"""The video program, run as its users run it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from av.codec.hwaccel import hwdevices_available

from realtime_adain.pictures import write_picture
from realtime_adain.sources.video_file import VideoFileSource
from realtime_adain.video import main

from .helpers import picture
from .media import Clip, cut, packets, write_clip, write_subtitles


def moving(count: int, size_hw: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """A picture that slides by four pixels a frame."""
    return [np.roll(picture(*size_hw), 4 * index, axis=1) for index in range(count)]


@pytest.fixture
def run(tiny_weights, style_file, capsys):
    """Run the program with the tiny network; return status, output and error text."""

    def run(*arguments: object, styles: tuple[object, ...] = (style_file,)):
        options = ["--style", *styles, "--model", tiny_weights, "--device", "cpu"]
        status = main([str(argument) for argument in (*arguments, *options)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "in.mp4", moving(10), Clip(sound="aac"))


def pictures_of(path) -> list[np.ndarray]:
    return [frame.pixels for frame in VideoFileSource(path)]


def test_video_is_repainted_with_its_sound_and_its_times(run, clip, tmp_path) -> None:
    target = tmp_path / "out.mp4"
    status, out, err = run(clip, target)
    assert (status, err) == (0, "")
    assert out.startswith("10 frames in ") and out.endswith(f" fps: {target}\n")
    before, after = list(VideoFileSource(clip)), list(VideoFileSource(target))
    assert [frame.pts for frame in after] == [frame.pts for frame in before]
    for old, new in zip(before, after, strict=True):
        assert np.abs(new.pixels.astype(int) - old.pixels).mean() > 5
    assert packets(target, "audio") == packets(clip, "audio")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_odd_and_turned_video_keeps_its_size(run, tmp_path) -> None:
    clip = write_clip(
        tmp_path / "in.mov", moving(3, (35, 47)), Clip(pix_fmt="yuv444p", rotation=90)
    )
    status, _, err = run(clip, tmp_path / "out.mp4")
    assert (status, "out.mp4: 35x47 has an odd side" in err) == (0, True)
    assert VideoFileSource(tmp_path / "out.mp4").size_hw == (47, 35)
    assert run(clip, tmp_path / "out.webm", "--codec", "libvpx")[::2] == (0, "")


def test_options_reach_the_encoder(run, clip, tmp_path) -> None:
    sizes = []
    for crf in (5, 45):
        arguments = ["--crf", crf, "--preset", "ultrafast", "--no-audio", "--quiet"]
        assert run(clip, tmp_path / "out.mkv", *arguments) == (0, "", "")
        sizes.append((tmp_path / "out.mkv").stat().st_size)
    assert sizes[0] > 2 * sizes[1]
    assert packets(tmp_path / "out.mkv", "audio") == []


@pytest.mark.parametrize("device", hwdevices_available())
def test_without_the_device_the_processor_decodes(device, run, clip, tmp_path) -> None:
    plain, accelerated = VideoFileSource(clip), VideoFileSource(clip, hwaccel=device)
    for expected, frame in zip(plain, accelerated, strict=True):
        assert expected.pts == frame.pts and frame.pixels.shape == expected.pixels.shape
        if not accelerated.accelerated:
            assert (frame.pixels == expected.pixels).all()
    status, _, err = run(clip, tmp_path / "out.mp4", "--hwaccel", device)
    assert status == 0
    told = f"realtime-adain: {device} does not decode {clip} here, the processor does\n"
    assert err == ("" if accelerated.accelerated else told)


def test_what_does_not_fit_is_told(run, tmp_path) -> None:
    clip = write_subtitles(tmp_path / "in.mkv", ["moi"])
    status, _, err = run(clip, tmp_path / "out.mp4")
    assert status == 0
    assert err == (
        f"realtime-adain: {tmp_path}/out.mp4: does not hold subtitle stream 1 (srt) of the input; "
        ".mkv may\n"
    )


def test_several_styles_are_mixed(run, clip, style_file, tmp_path) -> None:
    other = tmp_path / "other.png"
    write_picture(other, 255 - picture(seed=9))
    results = []
    for styles in ((style_file,), (other,), (style_file, other)):
        assert run(clip, tmp_path / "out.mkv", "--codec", "ffv1", styles=styles)[0] == 0
        results.append(pictures_of(tmp_path / "out.mkv")[0])
    assert not np.array_equal(results[2], results[0])
    assert not np.array_equal(results[2], results[1])


def test_folder_of_pictures_becomes_a_video(run, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for number, pixels in enumerate(moving(3)):
        write_picture(tmp_path / "in" / f"{number}.png", pixels)
    assert run(tmp_path / "in", tmp_path / "out.mp4")[0] == 0
    source = VideoFileSource(tmp_path / "out.mp4")
    assert (source.frame_rate, [frame.time for frame in source]) == (25, [0, 0.04, 0.08])


def test_good_frames_of_a_broken_video_are_kept(run, tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (75, 48, 64, 3), np.uint8)
    whole = write_clip(tmp_path / "in.mp4", list(noise), Clip(options=(("movflags", "faststart"),)))
    broken = cut(whole, 0.5, tmp_path / "broken.mp4")
    status, out, err = run(broken, tmp_path / "out.mp4")
    frames = len(pictures_of(tmp_path / "out.mp4"))
    assert (status, out) == (1, "")
    assert 30 <= frames <= 40
    assert "broken.mp4: breaks off at" in err and err.count("\n") == 1
    assert err.endswith(f"the {frames} good frames are in {tmp_path}/out.mp4\n")


@pytest.mark.parametrize(
    ("source", "target", "options", "message"),
    [
        ("gone.mp4", "out.mp4", [], "gone.mp4: no such file"),
        ("text.mp4", "out.mp4", [], "text.mp4: not a video that can be read"),
        ("empty", "out.mp4", [], "empty: holds no picture"),
        ("in.mp4", "out.xyz", [], "unknown video suffix '.xyz'"),
        ("in.mp4", "in.mp4", [], "the output is the input"),
        ("in.mp4", "in.mp4", ["--no-audio"], "the output is the input"),
        ("in.mp4", "gone/out.mp4", [], "gone does not exist"),
        ("in.mp4", "out.mp4", ["--crf", "99"], "crf must be 0 to 51 for libx264, got 99"),
        ("in.mp4", "out.mp4", ["--codec", "nosuch"], "no encoder named 'nosuch'"),
        ("in.mp4", "out.mp4", ["--style", "stary"], "did you mean 'starry'"),
        ("in.mp4", "out.mp4", ["--style", "text.mp4"], "text.mp4: not a picture"),
        ("in.mp4", "out.mp4", ["--model", "gone.safetensors"], "gone.safetensors: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_loses_nothing(
    clip, style_file, tiny_weights, tmp_path, monkeypatch, capsys, source, target, options, message
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("only text\n" * 50)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    usual = ["--style", str(style_file), "--model", str(tiny_weights)]
    assert main([source, target, *usual, *options]) == 1
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    after = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert after == before


AT_WORK = """\
import signal, sys, time, realtime_adain.video as video
from realtime_adain.pipeline import QUEUED_FRAMES
signal.signal(signal.SIGINT, signal.default_int_handler)
def update(self, frames):
    if frames > QUEUED_FRAMES + 1:
        print('at work', flush=True)
    time.sleep(0.1)
video.Progress.update = update
sys.exit(video.main())
"""
"""The program itself, told to say so when it is in the midst of its work: a frame is written."""


def interrupted(signal_number: int, *arguments: object) -> tuple[int, bytes]:
    """Interrupt the program at work; return its status and error text."""
    command = [sys.executable, "-c", AT_WORK, *arguments, "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout.readline() == b"at work\n"
        while program.poll() is None:  # as somebody does who is impatient
            program.send_signal(signal_number)
            time.sleep(0.005)
        _, err = program.communicate(timeout=30)
    return program.returncode, err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupted_program_leaves_nothing(name, tiny_weights, style_file, tmp_path) -> None:
    signal_number = getattr(signal, name)
    if signal.getsignal(signal_number) is signal.SIG_IGN:
        pytest.skip("the tests themselves are told to ignore it, as by nohup")
    write_clip(tmp_path / "in.mp4", moving(200))
    options = ["--style", style_file, "--model", tiny_weights]
    status, err = interrupted(signal_number, tmp_path / "in.mp4", tmp_path / "out.mp4", *options)
    assert (status, err) == (130, b"realtime-adain: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(("suffix", "size_hw"), [(".mp4", (48, 64)), (".webm", (48, 85))])
def test_pixels_that_are_not_square_keep_their_shape(run, suffix, size_hw, tmp_path) -> None:
    aspect = Fraction(4, 3)
    clip = write_clip(tmp_path / "in.mp4", moving(2, (48, 64)), Clip(pixel_aspect=aspect))
    assert run(clip, tmp_path / f"out{suffix}")[0] == 0
    source = VideoFileSource(tmp_path / f"out{suffix}")
    assert (source.size_hw, source.pixel_aspect) == (size_hw, aspect if suffix == ".mp4" else 1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_interrupted_work_is_resumed(run, tiny_weights, style_file, tmp_path) -> None:
    clip = write_clip(tmp_path / "in.mp4", moving(60), Clip(sound="aac"))
    target = tmp_path / "out.mp4"
    options = ["--style", style_file, "--model", tiny_weights, "--resume"]
    status, err = interrupted(signal.SIGINT, clip, target, *options)
    assert status == 130
    kept, _, rest = err.decode().partition(" painted frames are kept; ")
    assert rest == "the same command goes on after them\nrealtime-adain: interrupted\n"
    kept = int(kept.removeprefix("realtime-adain: "))
    assert 0 < kept < 60
    status, out, err = run(clip, target, "--resume", "--alpha", 0.5)
    assert (status, out) == (1, "")
    assert "out.mp4.pieces: was begun with another alpha; take the same" in err
    status, out, err = run(clip, target, "--resume")
    assert (status, err) == (0, "")
    assert out.startswith(f"{60 - kept} frames ({kept} earlier) in ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]
    assert run(clip, tmp_path / "whole.mp4")[0] == 0
    whole = np.stack(pictures_of(tmp_path / "whole.mp4")).astype(np.int16)
    closest = [np.abs(whole - pixels).mean((1, 2, 3)).argmin() for pixels in pictures_of(target)]
    assert [index % 16 for index in closest] == [index % 16 for index in range(60)]  # slides round
    assert packets(target, "audio") == packets(clip, "audio")
