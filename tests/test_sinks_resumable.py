"""The video file that can be resumed after the program has ended early."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from realtime_adain.errors import SinkError
from realtime_adain.frame import Frame
from realtime_adain.sinks.encoding import Encoding
from realtime_adain.sinks.resumable import ResumableSink
from realtime_adain.sources.video_file import VideoFileSource

from .media import SIZE_HW, Clip, flat, numbered, numbers, packets, write_clip

TICKS = 512
"""Of a frame, at 25 a second."""


def open_sink(path, settings=None, **options) -> ResumableSink:
    usual = {"size_hw": SIZE_HW, "frame_rate": Fraction(25), "time_base": Fraction(1, 12800)}
    return ResumableSink(path, settings=settings or {"size": 1}, piece_frames=10, **usual | options)


def write(sink: ResumableSink, first: int, last: int, begin: int = 0) -> None:
    """Write the numbered frames `first` to `last`, the last one apart, from `begin` ticks on."""
    for index, pixels in list(enumerate(numbered(last)))[first:]:
        sink.write(Frame(pixels, index / 25, begin + TICKS * index))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_work_that_ended_early_is_gone_on_with(suffix, tmp_path) -> None:
    path = tmp_path / f"out{suffix}"
    with pytest.raises(KeyboardInterrupt), open_sink(path) as sink:
        write(sink, 0, 14)
        raise KeyboardInterrupt
    assert [entry.name for entry in tmp_path.iterdir()] == [f"out{suffix}.pieces"]
    with open_sink(path) as sink:
        assert sink.done == 14
        write(sink, 14, 37)
    sink.close()
    assert list(tmp_path.iterdir()) == [path]
    frames = list(VideoFileSource(path))
    assert numbers(frame.pixels for frame in frames) == [index % 20 for index in range(37)]
    assert [round(frame.time, 2) for frame in frames] == [index / 25 for index in range(37)]
    assert VideoFileSource(path).duration == pytest.approx(37 / 25, abs=0.002)


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks")
def test_two_runs_do_not_share_the_pieces(tmp_path) -> None:
    path = tmp_path / "out.mp4"
    with open_sink(path) as sink:
        write(sink, 0, 14)
        with pytest.raises(SinkError, match="out.mp4.pieces: another run is at work in it"):
            open_sink(path)
        write(sink, 14, 20)
    assert len(list(VideoFileSource(path))) == 20


def test_an_empty_folder_of_pieces_is_begun_with(tmp_path) -> None:
    (tmp_path / "out.mp4.pieces").mkdir()
    with open_sink(tmp_path / "out.mp4") as sink:
        write(sink, 0, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_ticks_as_long_as_frames_leave_room_to_reorder(kept, suffix, tmp_path) -> None:
    path, options = tmp_path / f"out{suffix}", {"time_base": Fraction(1, 25)}
    sink = open_sink(path, **options)
    for number in range(kept):
        sink.write(Frame(flat((number, 0, 0)), number / 25, number))
    sink.abort()
    with open_sink(path, **options) as sink:
        for number in range(kept, kept + 12):
            sink.write(Frame(flat((number, 0, 0)), number / 25, number))
    times = [frame.time for frame in VideoFileSource(path)]
    assert times == pytest.approx([number / 25 for number in range(kept + 12)], abs=0.002)


@pytest.mark.parametrize(("suffix", "duration"), [(".mp4", 37 * TICKS), (".mkv", None)])
def test_headers_tell_the_frame_rate_and_duration(suffix, duration, tmp_path) -> None:
    path = tmp_path / f"out{suffix}"
    with open_sink(path) as sink:
        write(sink, 0, 37)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.average_rate, video.duration) == (25, duration)
        assert container.duration == 37 * av.time_base // 25
        told = [packet.dts for packet in container.demux(video) if packet.dts is not None]
        steps = {(after - before) * video.time_base for before, after in pairwise(told)}
    assert steps == {Fraction(1, 25)}


def test_what_an_end_by_force_leaves_is_cleared_away(tmp_path) -> None:
    killed = open_sink(tmp_path / "out.mp4")
    write(killed, 0, 15)  # and nothing is closed
    killed._lock.close()  # but by the system
    assert len(list((tmp_path / "out.mp4.pieces").iterdir())) == 3
    with open_sink(tmp_path / "out.mp4") as sink:
        assert sink.done == 10
        assert len(list((tmp_path / "out.mp4.pieces").iterdir())) == 2
        write(sink, 10, 12)
    frames = VideoFileSource(tmp_path / "out.mp4")
    assert numbers(frame.pixels for frame in frames) == list(range(12))


def test_sound_and_metadata_go_with_the_pieces(tmp_path) -> None:
    clip = write_clip(tmp_path / "in.mp4", numbered(25), Clip(sound="aac"))
    with open_sink(tmp_path / "out.mp4", copy_from=clip) as sink:
        write(sink, 0, 25)
    assert packets(tmp_path / "out.mp4", "audio") == packets(clip, "audio")
    assert len(packets(tmp_path / "out.mp4", "video")) == 25


def test_film_that_begins_late_or_jumps_keeps_its_times(tmp_path) -> None:
    times = [768, 1280, *range(90_000, 90_040), 300_000, 128_000]
    with open_sink(tmp_path / "out.mp4") as sink:
        for pts in times:
            sink.write(Frame(flat((90, 90, 90)), pts / 12800, pts))
    written = [frame.pts for frame in VideoFileSource(tmp_path / "out.mp4")]
    assert written == [*times[:-1], 300_001]  # what runs backwards is mended


def test_without_a_frame_nothing_is_left(tmp_path) -> None:
    with pytest.raises(SinkError, match="out.mp4: no frame came"):
        open_sink(tmp_path / "out.mp4").close()
    assert list(tmp_path.iterdir()) == []


def test_film_and_pieces_stay_when_it_cannot_take_its_name(tmp_path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    sink = open_sink(tmp_path / "out.mp4")
    write(sink, 0, 10)
    with monkeypatch.context() as windows:  # with the older film open in a player
        windows.setattr(os, "replace", refuse)
        with pytest.raises(SinkError, match="denied.; the finished film is in") as caught:
            sink.close()
    joined = VideoFileSource(str(caught.value).rpartition(" is in ")[2])
    assert numbers(frame.pixels for frame in joined) == list(range(10))
    open_sink(tmp_path / "out.mp4").close()
    assert len(list(VideoFileSource(tmp_path / "out.mp4"))) == 10


def test_other_settings_are_refused_and_nothing_is_lost(tmp_path) -> None:
    sink = open_sink(tmp_path / "out.mp4")
    write(sink, 0, 12)
    sink.abort()
    with pytest.raises(SinkError, match="out.mp4.pieces: was begun with another size;"):
        open_sink(tmp_path / "out.mp4", settings={"size": 2})
    with pytest.raises(SinkError, match="is closed"):
        write(sink, 12, 13)
    with open_sink(tmp_path / "out.mp4") as sink:
        write(sink, sink.done, 13)
    assert len(list(VideoFileSource(tmp_path / "out.mp4"))) == 13


def test_folder_that_is_not_ours_stays_as_it_is(tmp_path) -> None:
    (tmp_path / "out.mp4.pieces").mkdir()
    (tmp_path / "out.mp4.pieces" / "letter.txt").write_text("mine")
    with pytest.raises(SinkError, match="out.mp4.pieces: is no folder of pieces"):
        open_sink(tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4.pieces" / "letter.txt").read_text() == "mine"


def test_pieces_of_another_encoder_or_damaged_ones_are_named(tmp_path) -> None:
    first = open_sink(tmp_path / "out.mp4")
    write(first, 0, 10)
    first.abort()
    second = open_sink(tmp_path / "out.mp4", encoding=Encoding(crf=30))
    write(second, 10, 12)
    with pytest.raises(SinkError, match="00000010_5120.mp4: is by another version of the encoder"):
        second.close()
    (tmp_path / "out.mp4.pieces" / "00000010_5120.mp4").write_text("damaged")
    with pytest.raises(SinkError, match="00000010_5120.mp4: cannot be read; delete it"):
        open_sink(tmp_path / "out.mp4")


def test_missing_piece_is_noticed(tmp_path) -> None:
    sink = open_sink(tmp_path / "out.mp4")
    write(sink, 0, 25)
    sink.abort()
    (tmp_path / "out.mp4.pieces" / "00000010_5120.mp4").unlink()
    with pytest.raises(SinkError, match="00000020_10240.mp4: the piece before it is missing"):
        open_sink(tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.xyz", "unknown video suffix"), ("gone/out.mp4", "gone does not exist")],
)
def test_bad_output_is_refused_before_a_folder_is_made(name, message, tmp_path) -> None:
    with pytest.raises(SinkError, match=message):
        open_sink(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
