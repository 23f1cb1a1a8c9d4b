"""Video files in and out: every frame, its time, its colours, and the sound beside it."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image
from PIL.ExifTags import Base

from realtime_adain.errors import SinkError, SourceError
from realtime_adain.frame import Frame
from realtime_adain.pictures import read_picture, write_picture
from realtime_adain.sinks.encoding import Encoding
from realtime_adain.sinks.output_file import OutputFile, cut_to_whole_boxes
from realtime_adain.sinks.video_file import VideoFileSink
from realtime_adain.sources import open_source
from realtime_adain.sources.pictures import PictureFolderSource
from realtime_adain.sources.video_file import VideoFileSource

from .helpers import picture
from .media import (
    SIZE_HW,
    SOUND_RATE,
    Clip,
    cut,
    flat,
    numbered,
    numbers,
    packets,
    write_clip,
    write_subtitles,
)

RED = (210, 30, 40)
FAST = Encoding(preset="ultrafast")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "in.mp4", numbered(12), Clip(sound="aac"))


def copy_video(source: VideoFileSource, path: Path, **options) -> VideoFileSink:
    """Write what a source gives, as the video program does."""
    sink = VideoFileSink(
        path,
        size_hw=source.size_hw,
        frame_rate=source.frame_rate,
        time_base=source.time_base,
        pixel_aspect=source.pixel_aspect,
        copy_from=source.path,
        **{"encoding": FAST, **options},
    )
    with source, sink:
        for frame in source:
            sink.write(frame)
    return sink


def frames_of(path: Path) -> list[Frame]:
    return list(VideoFileSource(path))


# What a source gives.


def test_source_gives_every_frame_at_its_time(clip) -> None:
    source = VideoFileSource(clip)
    for _ in range(2):  # each iteration begins anew
        frames = list(source)
        assert numbers(frame.pixels for frame in frames) == list(range(12))
        assert [frame.pts for frame in frames] == [512 * index for index in range(12)]
        assert [frame.time for frame in frames] == [index / 25 for index in range(12)]
    assert (source.size_hw, source.frame_rate) == (SIZE_HW, 25)
    assert (source.time_base, source.frame_count) == (Fraction(1, 12800), 12)
    assert source.duration == pytest.approx(12 / 25)


def test_variable_frame_rate_is_given_as_it_is(tmp_path) -> None:
    pts = [0, 100, 1700, 1800, 9000, 9001]
    path = write_clip(tmp_path / "in.mp4", numbered(6), Clip(pts=pts))
    assert [frame.pts for frame in frames_of(path)] == pts


def corner_picture() -> np.ndarray:
    """Black, red at the top left and green at the top right."""
    pixels = flat((0, 0, 0))
    pixels[:16, :16] = (255, 0, 0)
    pixels[:16, -16:] = (0, 255, 0)
    return pixels


@pytest.mark.parametrize("hours", [0, 1], ids=["restarts", "leaps"])
def test_joined_transport_streams_go_on_where_the_first_ends(hours, tmp_path) -> None:
    ticks = [hours * 3600 * 12800 + 512 * index for index in range(25)]
    first = write_clip(tmp_path / "a.ts", numbered(25), Clip(sound="aac"))
    second = write_clip(tmp_path / "b.ts", numbered(25), Clip(pts=ticks, sound="aac"))
    (tmp_path / "joined.ts").write_bytes(first.read_bytes() + second.read_bytes())
    source = VideoFileSource(tmp_path / "joined.ts")
    times = [frame.time for frame in source]
    assert len(times) >= 49  # at the seam a packet may be damaged
    assert np.diff(times) == pytest.approx(0.04, abs=0.045)
    sink = copy_video(source, tmp_path / "out.mp4")
    assert sink.lost_packets == 0
    with av.open(tmp_path / "out.mp4") as container:
        lengths = [float(stream.duration * stream.time_base) for stream in container.streams]
    assert lengths == pytest.approx([2, 2], abs=0.15)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photograph_as_a_film_is_turned_as_its_exif_says(orientation, tmp_path) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    stored = cv2.resize(picture(4, 6), (48, 32), interpolation=cv2.INTER_NEAREST)
    Image.fromarray(stored).save(tmp_path / "photograph.jpg", exif=exif, quality=95)
    with VideoFileSource(tmp_path / "photograph.jpg") as source:
        (frame,) = source
    expected = read_picture(tmp_path / "photograph.jpg").astype(int)
    assert frame.pixels.shape == expected.shape
    assert np.abs(frame.pixels - expected).mean() < 6


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_rotated_video_comes_out_upright(rotation, mirrored, tmp_path) -> None:
    clip = Clip(rotation=rotation, mirrored=mirrored)
    path = write_clip(tmp_path / "in.mp4", [corner_picture()] * 2, clip)
    upright = frames_of(path)[0].pixels
    expected = np.rot90(corner_picture(), rotation // 90)
    if mirrored:
        expected = expected[:, ::-1]
    assert upright.shape == expected.shape == (*VideoFileSource(path).size_hw, 3)
    assert np.abs(upright.astype(int) - expected).mean() < 6
    if shutil.which("ffmpeg"):
        command = ["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", tmp_path / "judge.png"]
        subprocess.run(command, check=True)
        with av.open(str(tmp_path / "judge.png")) as container:
            judge = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert np.abs(upright.astype(int) - judge).mean() < 6


@pytest.mark.parametrize(
    "clip",
    [
        Clip(matrix="bt709"),
        Clip(matrix="bt601"),
        Clip(matrix="bt709", full_range=True),
        Clip(matrix="bt601", full_range=True),
        Clip(matrix="bt601", tagged=False),
        Clip(pix_fmt="yuv444p"),
        Clip(pix_fmt="yuv420p10le"),
        Clip(pix_fmt="yuv422p"),
        Clip(codec="qtrle", pix_fmt="argb", tagged=False),
    ],
    ids=lambda clip: f"{clip.matrix}-{clip.pix_fmt}-{clip.tagged}-{clip.full_range}",
)
def test_red_is_red_in_every_encoding(clip, tmp_path) -> None:
    path = write_clip(tmp_path / "in.mov", [flat(RED)] * 2, clip)
    mean = frames_of(path)[0].pixels.mean((0, 1))
    np.testing.assert_allclose(mean, RED, atol=3)


def test_matrix_of_hd_is_bt709_where_none_is_named(tmp_path) -> None:
    clip = Clip(matrix="bt709", tagged=False)
    path = write_clip(tmp_path / "in.mp4", [flat(RED, (16, 1280))] * 2, clip)
    np.testing.assert_allclose(frames_of(path)[0].pixels.mean((0, 1)), RED, atol=3)


def test_grey_video_keeps_its_levels(tmp_path) -> None:
    path = write_clip(tmp_path / "in.mkv", numbered(4), Clip(codec="ffv1", pix_fmt="gray"))
    assert numbers(frame.pixels for frame in frames_of(path)) == [0, 1, 2, 3]


def test_webm_without_duration(tmp_path) -> None:
    clip = Clip(codec="libvpx", options=(("live", "1"),))
    source = VideoFileSource(write_clip(tmp_path / "in.webm", numbered(5), clip))
    assert (source.duration, source.frame_count) == (None, None)
    assert [frame.pts for frame in source] == [0, 40, 80, 120, 160]


def test_raw_video_is_given_times(tmp_path) -> None:
    source = VideoFileSource(write_clip(tmp_path / "in.h264", numbered(5)))
    times = [frame.time for frame in source]
    assert times == pytest.approx([index / source.frame_rate for index in range(5)], rel=0.1)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_cut_off_file_gives_its_frames_and_then_an_error(name, tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (75, *SIZE_HW, 3), np.uint8)
    clip = Clip(options=(("movflags", "faststart"),) if name == "in.mp4" else ())
    whole = write_clip(tmp_path / name, list(noise), clip)
    source = VideoFileSource(cut(whole, 0.5, tmp_path / f"cut-{name}"))
    frames = []
    with pytest.raises(SourceError, match=f"cut-{name}: breaks off at 1.. s of 3.0 s"):
        for frame in source:
            frames.append(frame)
    assert 30 <= len(frames) <= 40
    assert len(frames_of(whole)) == 75


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, *SIZE_HW, 3), np.uint8)
    clip = Clip(codec="mjpeg", pix_fmt="yuvj420p", full_range=True)
    path = write_clip(tmp_path / "in.mkv", list(noise), clip)
    data = bytearray(path.read_bytes())
    start = data.index(packets(path, "video")[9][1])
    data[start : start + 600] = bytes(600)
    path.write_bytes(data)
    source = VideoFileSource(path)
    assert len(list(source)) == 19
    assert source.damaged_packets == 1


def test_what_is_no_video_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "text.mp4").write_text("only text\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.int16), format="s16")
        silence.sample_rate = 48000
        container.mux([*stream.encode(silence), *stream.encode(None)])
    for name, problem in [
        ("text.mp4", "not a video that can be read"),
        ("empty.mp4", "not a video that can be read"),
        ("gone.mp4", "no such file"),
        (".", "is a folder"),
        ("sound.mp4", "holds no video"),
    ]:
        with pytest.raises(SourceError, match=f"{name}: {problem}") as caught:
            VideoFileSource(tmp_path / name if name != "." else f"{tmp_path}/.")
        assert "\n" not in str(caught.value)


def test_video_of_which_nothing_can_be_decoded(tmp_path) -> None:
    path = write_clip(tmp_path / "in.mkv", numbered(3), Clip(codec="mjpeg", pix_fmt="yuvj420p"))
    data = path.read_bytes()
    for _, packet in packets(path, "video"):
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    with pytest.raises(SourceError, match="in.mkv: "):
        VideoFileSource(path)


@pytest.mark.parametrize("name", ["late.mkv", "late.webm", "late.mp4", "late.ts"])
def test_a_file_that_begins_late_is_whole(tmp_path, name: str) -> None:
    codec = {"codec": "libvpx-vp9"} if name.endswith("webm") else {}
    times = [12800 * 5 + 512 * number for number in range(50)]  # five seconds after zero
    write_clip(tmp_path / name, numbered(50), Clip(pts=times, **codec))
    frames = list(VideoFileSource(tmp_path / name))
    assert len(frames) == 50
    assert frames[0].time == 0 and frames[-1].time == pytest.approx(49 / 25, abs=0.002)


# Folders of pictures.


def test_pictures_are_frames_in_the_order_of_their_numbers(tmp_path) -> None:
    for number in (10, 9, 1):
        write_picture(tmp_path / f"p{number}.png", flat((number, 0, 0)))
    source = PictureFolderSource(tmp_path, frame_rate=Fraction(30000, 1001))
    frames = list(source)
    assert [frame.pixels[0, 0, 0] for frame in frames] == [1, 9, 10]
    assert [frame.pts for frame in frames] == [0, 1, 2]
    assert frames[2].time == pytest.approx(2 * 1001 / 30000)
    assert (source.frame_count, source.time_base) == (3, Fraction(1001, 30000))


def test_other_pictures_cover_the_size_of_the_first(tmp_path) -> None:
    wide = flat((0, 0, 0), (50, 200))
    wide[:, 70:130] = 255
    write_picture(tmp_path / "a.png", picture(33, 47))
    write_picture(tmp_path / "b.png", wide)
    first, second = PictureFolderSource(tmp_path)
    np.testing.assert_array_equal(first.pixels, picture(33, 47))
    assert second.pixels.shape == (33, 47, 3)
    assert second.pixels[16, 23].min() > 250  # its middle


def test_folder_errors(tmp_path) -> None:
    with pytest.raises(SourceError, match="holds no picture"):
        PictureFolderSource(tmp_path)
    with pytest.raises(SourceError, match="no such folder"):
        PictureFolderSource(tmp_path / "gone")
    (tmp_path / "b.png").write_text("text")
    with pytest.raises(SourceError, match="holds no picture that can be read"):
        PictureFolderSource(tmp_path)
    write_picture(tmp_path / "a.png", picture())
    with pytest.raises(ValueError, match="frame_rate must be above 0, got 0"):
        PictureFolderSource(tmp_path, frame_rate=Fraction(0))


def test_pictures_that_cannot_be_read_are_left_out(tmp_path) -> None:
    for number in (0, 3):
        (tmp_path / f"{number}.png").write_text("text")
    for number in (1, 2, 4):
        write_picture(tmp_path / f"{number}.png", flat((number, 0, 0)))
    source = PictureFolderSource(tmp_path)
    for _ in range(2):
        frames = list(source)
        assert [frame.pixels[0, 0, 0] for frame in frames] == [1, 2, 4]
        assert [frame.pts for frame in frames] == [0, 1, 2]
        assert source.unreadable == [tmp_path / "0.png", tmp_path / "3.png"]


def delay(path: Path, seconds: float, kind: str | None = None) -> None:
    """Let a file begin so much later, or its streams of a kind alone."""
    early = path.rename(path.with_stem("early"))
    with av.open(str(early)) as before, av.open(str(path), "w") as after:
        streams = [after.add_stream_from_template(stream) for stream in before.streams]
        for packet in before.demux():
            if packet.size:
                moves = kind in (None, packet.stream.type)
                shift = round(seconds / packet.time_base) if moves else 0
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream_index]
                after.mux(packet)


# What a sink writes.


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_frames_times_and_sound_survive(suffix, clip, tmp_path) -> None:
    target = tmp_path / f"out{suffix}"
    copy_video(VideoFileSource(clip), target)
    before, after = frames_of(clip), frames_of(target)
    assert numbers(frame.pixels for frame in after) == list(range(12))
    tolerance = 0.001 if suffix == ".mkv" else 0  # Matroska counts milliseconds
    assert [f.time for f in after] == pytest.approx([f.time for f in before], abs=tolerance)
    sound, copied = packets(clip, "audio"), packets(target, "audio")
    assert [content for _, content in copied] == [content for _, content in sound]
    offset = [float(a - b) for (a, _), (b, _) in zip(copied, sound, strict=True)]
    assert offset == pytest.approx([offset[0]] * len(offset), abs=tolerance)


def test_ffprobe_agrees(clip, tmp_path) -> None:
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed")
    copy_video(VideoFileSource(clip), tmp_path / "out.mp4")
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-show_format"]
    result = subprocess.run(
        [*command, "-of", "json", tmp_path / "out.mp4"], capture_output=True, check=True
    )
    report = json.loads(result.stdout)
    video, sound = report["streams"]
    assert (video["codec_name"], video["pix_fmt"]) == ("h264", "yuv420p")
    assert (video["width"], video["height"]) == (64, 48)
    assert (video["nb_read_packets"], video["avg_frame_rate"]) == ("12", "25/1")
    assert float(video["duration"]) == pytest.approx(12 / 25)  # the last frame has its time too
    tags = {"color_space", "color_primaries", "color_transfer"}
    assert {video[tag] for tag in tags} == {"bt709"} and video["color_range"] == "tv"
    assert sound["codec_name"] == "aac"
    assert sound["nb_read_packets"] == str(len(packets(clip, "audio")))
    assert report["format"]["tags"]["title"] == "a clip"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_last_picture_is_shown_as_long_as_before(suffix, tmp_path) -> None:
    clip = Clip(pts=(0, 1280, 2560), last_ticks=4 * 12800, options=())
    source = VideoFileSource(write_clip(tmp_path / f"in{suffix}", numbered(3), clip))
    assert source.duration == pytest.approx(4.2, abs=0.01)
    copy_video(source, tmp_path / f"out{suffix}")
    assert VideoFileSource(tmp_path / f"out{suffix}").duration == pytest.approx(4.2, abs=0.01)


def test_raw_video_has_the_rate_of_its_stream(tmp_path) -> None:
    clip = Clip(rate=Fraction(10), time_base=Fraction(1, 10))
    write_clip(tmp_path / "in.mp4", numbered(10), clip)
    with av.open(str(tmp_path / "in.mp4")) as film, av.open(str(tmp_path / "raw.h264"), "w") as raw:
        stream = raw.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(film.streams.video[0]):
            if packet.size:
                packet.stream = stream
                raw.mux(packet)
    source = VideoFileSource(tmp_path / "raw.h264")
    assert source.frame_rate == 10
    assert [frame.time for frame in source] == pytest.approx([index / 10 for index in range(10)])


def test_variable_frame_rate_is_kept_exactly(tmp_path) -> None:
    pts = [0, 20, 41, 60, 100, 101, 900]
    clip = Clip(pts=pts, time_base=Fraction(1, 600))
    source = VideoFileSource(write_clip(tmp_path / "in.mov", numbered(7), clip))
    copy_video(source, tmp_path / "out.mp4")
    assert [f.time for f in frames_of(tmp_path / "out.mp4")] == [t / 600 for t in pts]


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("size_hw", [(339, 457), (338, 457), (339, 456)])
def test_odd_sizes_are_kept(suffix, size_hw, tmp_path) -> None:
    target = tmp_path / f"out{suffix}"
    with VideoFileSink(target, size_hw=size_hw, frame_rate=Fraction(25)) as sink:
        for index in range(2):
            sink.write(Frame(flat(RED, size_hw), index / 25))
    source = VideoFileSource(target)
    assert source.size_hw == size_hw
    for frame in source:
        np.testing.assert_allclose(frame.pixels.astype(int), flat(RED, size_hw), atol=4)


def test_colours_come_back(tmp_path) -> None:
    bars = np.repeat(
        np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255] * 3, [0] * 3, [128] * 3], np.uint8),
        16,
        axis=0,
    )
    pixels = np.repeat(bars[None], 48, axis=0)
    with VideoFileSink(tmp_path / "o.mp4", size_hw=(48, 96), frame_rate=Fraction(25)) as sink:
        sink.write(Frame(pixels, 0.0))
    (frame,) = frames_of(tmp_path / "o.mp4")
    centres = np.s_[24, 8::16]
    np.testing.assert_allclose(frame.pixels[centres].astype(int), pixels[centres], atol=4)


def test_rotation_and_pixel_aspect_are_not_lost(tmp_path) -> None:
    clip = Clip(rotation=90, pixel_aspect=Fraction(4, 3))
    source = VideoFileSource(write_clip(tmp_path / "in.mp4", [corner_picture()] * 2, clip))
    assert source.pixel_aspect == Fraction(3, 4)
    copy_video(source, tmp_path / "out.mp4")
    again = VideoFileSource(tmp_path / "out.mp4")
    assert (again.size_hw, again.pixel_aspect) == ((64, 48), Fraction(3, 4))
    difference = next(iter(again)).pixels.astype(int) - next(iter(source)).pixels
    assert np.abs(difference).mean() < 6


@pytest.mark.parametrize(
    ("aspect", "rotation", "size_hw"),
    [
        (Fraction(4, 3), 0, (48, 85)),
        (Fraction(3, 4), 0, (64, 64)),
        (Fraction(4, 3), 90, (85, 48)),
        (Fraction(1000), 0, (48, 64)),  # no such pixels
    ],
)
def test_pixels_are_made_square_for_a_screen(tmp_path, aspect, rotation, size_hw) -> None:
    clip = Clip(rotation=rotation, pixel_aspect=aspect)
    path = write_clip(tmp_path / "in.mp4", [corner_picture()] * 2, clip)
    source = VideoFileSource(path, square_pixels=True)
    assert (source.size_hw, source.pixel_aspect) == (size_hw, 1)
    shown, stored = (next(iter(film)).pixels for film in (source, VideoFileSource(path)))
    wanted = cv2.resize(stored, size_hw[::-1]).astype(int)
    assert np.abs(shown.astype(int) - wanted).mean() < 6
    with open_source(str(path)) as live:
        assert live.size_hw == size_hw


def test_sound_is_interleaved_with_the_pictures(tmp_path) -> None:
    source = VideoFileSource(
        write_clip(tmp_path / "in.mp4", numbered(100), Clip(sound="aac", rate=Fraction(20)))
    )
    copy_video(source, tmp_path / "out.mp4")
    reached = {"audio": 0.0, "video": 0.0}
    with av.open(str(tmp_path / "out.mp4")) as container:
        by_position = sorted(
            (p.pos, p.stream.type, float(p.dts * p.time_base)) for p in container.demux() if p.size
        )
    for _, kind, seconds in by_position:
        reached[kind] = seconds
        assert abs(reached["audio"] - reached["video"]) < 0.5


def test_what_is_written_about_the_pictures_is_kept(tmp_path) -> None:
    source = write_clip(tmp_path / "in.mkv", numbered(3))
    with av.open(str(source)) as before, av.open(str(tmp_path / "told.mkv"), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        stream.metadata.update({"language": "jpn", "title": "Director's cut"})
        stream.disposition = Disposition.default | Disposition.dub
        for packet in before.demux(video=0):
            if packet.size:
                packet.stream = stream
                after.mux(packet)
    copy_video(VideoFileSource(tmp_path / "told.mkv"), tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        video = container.streams.video[0]
        assert video.metadata["language"] == "jpn" and video.metadata["title"] == "Director's cut"
        assert video.disposition & Disposition.dub


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_the_pictures_of_an_avi_are_evenly_spaced(b_frames, tmp_path) -> None:
    options = (("bf", b_frames), ("b_strategy", "0"))
    clip = write_clip(tmp_path / "in.avi", numbered(20), Clip(options=options))
    frames = frames_of(clip)
    assert len(frames) == 20
    assert frames[0].pts == 0 and len(set(np.diff([frame.pts for frame in frames]))) == 1


@pytest.mark.parametrize(("name", "codec"), [("in.mov", "qtrle"), ("in.webm", "libvpx-vp9")])
def test_that_a_film_is_transparent_is_known(name, codec, tmp_path) -> None:
    pix_fmt = "argb" if codec == "qtrle" else "yuva420p"
    clip = write_clip(tmp_path / name, numbered(3), Clip(codec=codec, pix_fmt=pix_fmt))
    assert VideoFileSource(clip).transparent
    assert not VideoFileSource(write_clip(tmp_path / "plain.mp4", numbered(3))).transparent


def test_sound_can_be_left_out(clip, tmp_path) -> None:
    copy_video(VideoFileSource(clip), tmp_path / "out.mp4", copy_audio=False)
    assert packets(tmp_path / "out.mp4", "audio") == []
    assert len(frames_of(tmp_path / "out.mp4")) == 12


@pytest.mark.parametrize(
    ("source", "sound", "target", "codec"),
    [
        ("in.mp4", "aac", "out.webm", "opus"),
        ("in.mov", "pcm_mulaw", "out.mp4", "aac"),
        ("in.avi", "pcm_u8", "out.mp4", "aac"),
        ("in.avi", "pcm_s16le", "out.mp4", "aac"),
        ("late.mkv", "libmp3lame", "out.webm", "opus"),
    ],
)
def test_sound_that_does_not_fit_is_encoded_anew(
    tmp_path, source: str, sound: str, target: str, codec: str
) -> None:
    write_clip(tmp_path / source, numbered(50), Clip(sound=sound))
    if source.startswith("late"):
        delay(tmp_path / source, 5)
    encoding = Encoding("libvpx" if target.endswith("webm") else None)
    sink = copy_video(VideoFileSource(tmp_path / source), tmp_path / target, encoding=encoding)
    assert (sink.left_out, sink.lost_packets) == ([], 0)
    with av.open(str(tmp_path / target)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name.removeprefix("lib") == codec
        frames = list(container.decode(stream))
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(float)
    assert abs(float(frames[0].pts * frames[0].time_base)) < 0.05
    assert len(samples) / SOUND_RATE == pytest.approx(2.0, abs=0.06)
    middle = samples[SOUND_RATE // 2 : 3 * SOUND_RATE // 2]
    assert np.abs(np.fft.rfft(middle)).argmax() == 440  # of one second: Hz


@pytest.mark.parametrize(("target", "codec"), [("out.mp4", None), ("out.webm", "libvpx")])
@pytest.mark.parametrize("layout", ["mono", "5.1", "5.1(side)", "7.1"])
def test_channels_are_kept_when_sound_is_encoded_anew(target, codec, layout, tmp_path) -> None:
    source = write_clip(tmp_path / "in.mkv", numbered(10), Clip(sound="pcm_s16le", layout=layout))
    copy_video(VideoFileSource(source), tmp_path / target, encoding=Encoding(codec))
    with av.open(str(tmp_path / target)) as container:
        assert container.streams.audio[0].layout.name == layout.removesuffix("(side)")
        mono = av.AudioResampler("s16", "mono")
        mixed = [part for frame in container.decode(audio=0) for part in mono.resample(frame)]
        assert np.abs(np.concatenate([part.to_ndarray()[0] for part in mixed])).max() > 1000


def test_sound_that_begins_a_little_late_still_does_when_encoded_anew(tmp_path) -> None:
    source = write_clip(tmp_path / "in.mkv", numbered(25), Clip(sound="pcm_s16le"))
    delay(source, 0.09, "audio")
    copy_video(VideoFileSource(source), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    first = float(frames[0].pts * frames[0].time_base)
    heard = first + np.flatnonzero(np.abs(samples) > 0.05)[0] / SOUND_RATE
    assert heard == pytest.approx(0.09, abs=0.03)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes by name")
def test_a_pipe_is_no_film(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="is no file; a film is read more than once"):
        VideoFileSource(tmp_path / "pipe.mp4")


def test_a_disk_that_is_full_from_the_first_picture_on_is_named(tmp_path, monkeypatch) -> None:
    sink = VideoFileSink(tmp_path / "o.mp4", size_hw=SIZE_HW, frame_rate=None, crash_safe=True)

    def mux(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OutputFile, "mux", mux)
    for step in (lambda: sink.write(Frame(flat((0, 0, 0)), 0.0)), sink.close):
        with pytest.raises(SinkError, match="cannot be written .No space left on device"):
            step()
    assert not any(tmp_path.iterdir())


def test_a_recording_that_breaks_off_in_a_fragments_head_plays(tmp_path) -> None:
    path = tmp_path / "o.mp4"
    sink = VideoFileSink(
        path,
        size_hw=SIZE_HW,
        frame_rate=Fraction(25),
        encoding=Encoding(preset="ultrafast", low_latency=True),
        crash_safe=True,
    )
    for index, pixels in enumerate(numbered(60)):
        sink.write(Frame(pixels, index / 25))
    whole = (tmp_path / "o.part.mp4").read_bytes()
    sink.abort()
    head = whole.rindex(b"moof") - 4
    for end in (head + 6, head + 50):
        path.write_bytes(whole[:end])
        cut_to_whole_boxes(path)
        assert path.stat().st_size == head
        assert len(list(VideoFileSource(path))) > 20
    path.write_bytes(whole[: len(whole) - 9])
    cut_to_whole_boxes(path)
    assert path.stat().st_size == len(whole) - 9, "pictures that are there are kept"


def test_opus_fits_everywhere(tmp_path) -> None:
    clip = write_clip(tmp_path / "in.webm", numbered(10), Clip(codec="libvpx", sound="libopus"))
    sound = [content for _, content in packets(clip, "audio")]
    for suffix in (".mp4", ".mkv"):
        copy_video(VideoFileSource(clip), tmp_path / f"out{suffix}")
        copied = [content for _, content in packets(tmp_path / f"out{suffix}", "audio")]
        assert copied == sound


def test_subtitles_are_copied_with_their_language(tmp_path) -> None:
    source = VideoFileSource(write_subtitles(tmp_path / "in.mkv", ["moi", "hei"]))
    copy_video(source, tmp_path / "out.mkv")
    copied = packets(tmp_path / "out.mkv", "subtitle")
    assert copied == [(0, b"moi"), (Fraction(1, 10), b"hei")]
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams.subtitles[0].language == "fin"
    sink = copy_video(source, tmp_path / "out.mp4")
    assert sink.left_out == ["subtitle stream 1 (srt)"]


def test_attachments_are_copied_or_told(clip, tmp_path) -> None:
    with av.open(str(clip)) as plain, av.open(str(tmp_path / "in.mkv"), "w") as container:
        copy = container.add_stream_from_template(plain.streams.video[0])
        container.add_attachment("font.ttf", "application/x-truetype-font", b"a font")
        for packet in plain.demux(plain.streams.video[0]):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    source = VideoFileSource(tmp_path / "in.mkv")
    assert copy_video(source, tmp_path / "out.mkv").left_out == []
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video", "attachment"]
    sink = copy_video(source, tmp_path / "out.webm", encoding=Encoding())
    assert sink.left_out == ["attachment stream 1 (font.ttf)"]


def test_chapters_are_copied_and_their_track_is_not_missed(clip, tmp_path) -> None:
    chapters = [
        {"id": 1, "start": 0, "end": 240, "time_base": Fraction(1, 1000), "metadata": {}},
        {"id": 2, "start": 240, "end": 480, "time_base": Fraction(1, 1000), "metadata": {}},
    ]
    with av.open(str(clip)) as plain, av.open(str(tmp_path / "c.mp4"), "w") as container:
        container.set_chapters(chapters)
        copy = container.add_stream_from_template(plain.streams.video[0])
        for packet in plain.demux(plain.streams.video[0]):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    sink = copy_video(VideoFileSource(tmp_path / "c.mp4"), tmp_path / "out.mp4")
    assert sink.left_out == []
    with av.open(str(tmp_path / "out.mp4")) as container:
        starts = [chapter["start"] * chapter["time_base"] for chapter in container.chapters()]
    assert starts == [0, Fraction(24, 100)]


def test_file_that_begins_at_any_hour_begins_at_zero(tmp_path) -> None:
    hour = 3600 * 90_000
    clip = Clip(pts=[hour + 3600 * index for index in range(12)], time_base=Fraction(1, 90_000))
    source = VideoFileSource(write_clip(tmp_path / "in.ts", numbered(12), clip))
    copy_video(source, tmp_path / "out.mp4")
    times = [frame.pts * Fraction(1, 90_000) for frame in VideoFileSource(tmp_path / "out.mp4")]
    assert times == [Fraction(index, 25) for index in range(12)]


def test_live_frames_go_by_their_clock(tmp_path) -> None:
    times = [1000.0, 1000.04, 1000.04, 1000.1, 1000.7]
    with VideoFileSink(tmp_path / "o.mp4", size_hw=SIZE_HW, frame_rate=None) as sink:
        for pixels, moment in zip(numbered(5), times, strict=True):
            sink.write(Frame(pixels, moment))
    written = frames_of(tmp_path / "o.mp4")
    assert numbers(frame.pixels for frame in written) == list(range(5))
    tick = 1 / 90_000
    expected = [0, 0.04, 0.04 + tick, 0.1, 0.7]
    assert [frame.time for frame in written] == pytest.approx(expected, abs=tick / 2)


def test_times_that_run_backwards_are_mended(tmp_path) -> None:
    with VideoFileSink(
        tmp_path / "o.mp4",
        size_hw=SIZE_HW,
        frame_rate=Fraction(25),
        time_base=Fraction(1, 1000),
    ) as sink:
        for pts in (0, 40, 40, 30, 80):
            sink.write(Frame(flat(RED), pts / 1000, pts))
    times = [round(frame.time * 1000) for frame in frames_of(tmp_path / "o.mp4")]
    assert times == [0, 40, 41, 42, 80]


def test_output_appears_only_when_it_is_complete(tmp_path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("older")
    (tmp_path / "link.mp4").symlink_to(target)
    sink = VideoFileSink(target, size_hw=SIZE_HW, frame_rate=None)
    with pytest.raises(KeyboardInterrupt), sink:
        sink.write(Frame(flat(RED), 0.0))
        raise KeyboardInterrupt
    assert target.read_text() == "older"
    with pytest.raises(SinkError, match="no frame came"):
        VideoFileSink(target, size_hw=SIZE_HW, frame_rate=None).close()
    assert target.read_text() == "older"
    with VideoFileSink(tmp_path / "link.mp4", size_hw=SIZE_HW, frame_rate=None) as sink:
        sink.write(Frame(flat(RED), 0.0))
        assert target.read_text() == "older"
    sink.close()
    assert len(frames_of(target)) == 1
    assert (tmp_path / "link.mp4").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.mp4", "out.mp4"]


def test_finished_film_stays_when_it_cannot_take_its_name(tmp_path) -> None:
    target = tmp_path / "out.mp4"
    sink = VideoFileSink(target, size_hw=SIZE_HW, frame_rate=None)
    for index, pixels in enumerate(numbered(5)):
        sink.write(Frame(pixels, index / 25))
    target.mkdir()  # no file can replace it
    with pytest.raises(SinkError) as caught:
        sink.close()
    sink.abort()
    (kept,) = (path for path in tmp_path.iterdir() if path != target)
    told = rf"{target}: cannot be written \(.+\); the finished film is in {kept}"
    assert re.fullmatch(told, str(caught.value))
    assert numbers(frame.pixels for frame in frames_of(kept)) == list(range(5))


def test_frames_must_fit_the_sink(tmp_path) -> None:
    with VideoFileSink(tmp_path / "o.mp4", size_hw=SIZE_HW, frame_rate=None) as sink:
        sink.write(Frame(flat(RED), 0.0))
        with pytest.raises(SinkError, match="frames must be 64x48, got 48x64"):
            sink.write(Frame(flat(RED, (64, 48)), 0.1))
    with pytest.raises(SinkError, match="o.mp4: is closed"):
        sink.write(Frame(flat(RED), 0.2))


@pytest.mark.parametrize(
    ("name", "encoding", "message"),
    [
        ("out.xyz", Encoding(), r"unknown video suffix '\.xyz', known are \.m4v \.mkv"),
        ("out", Encoding(), "unknown video suffix ''"),
        ("folder.mp4", Encoding(), "folder.mp4: is a folder"),
        ("gone/out.mp4", Encoding(), "gone does not exist"),
        ("in.mp4", Encoding(), "the output is the input"),
        ("link.mp4", Encoding(), "the output is the input"),
        ("folder.mp4/../in.mp4", Encoding(), "the output is the input"),
        ("out.mp4", Encoding("nosuch"), "no encoder named 'nosuch'; try libx264"),
        ("out.mp4", Encoding("aac"), "'aac' encodes audio, not video"),
        ("out.webm", Encoding("libx264"), "webm cannot hold libx264"),
        ("out.mp4", Encoding(crf=52), "crf must be 0 to 51 for libx264, got 52"),
        ("out.mp4", Encoding(crf=-1), "crf must be 0 to 51 for libx264, got -1"),
        ("out.mp4", Encoding("mpeg4", crf=5), "mpeg4 has no crf"),
        ("out.mp4", Encoding(preset="fasst"), "libx264 has no preset 'fasst'; there are ultra"),
    ],
)
def test_sink_refuses_before_it_writes(name, encoding, message, clip, tmp_path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(clip)
    before = sorted(tmp_path.iterdir())
    with pytest.raises((SinkError, ValueError), match=message) as caught:
        VideoFileSink(
            tmp_path / name,
            size_hw=SIZE_HW,
            frame_rate=Fraction(25),
            time_base=Fraction(1, 12800),
            copy_from=clip,
            encoding=encoding,
        )
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("codec", "size_hw", "full"),
    [("libx264", (45, 64), True), ("libx265", (45, 64), True), ("libx264", (46, 64), False)],
)
def test_colour_at_full_size_is_told(codec, size_hw, full, tmp_path) -> None:
    encoding = Encoding(codec)
    sink = VideoFileSink(tmp_path / "a.mp4", size_hw=size_hw, frame_rate=None, encoding=encoding)
    assert sink.has_full_chroma is full
    sink.abort()


def test_odd_size_needs_a_codec_that_can(tmp_path) -> None:
    with pytest.raises(SinkError, match="mpeg4 cannot encode the odd size 457x339; try libx264"):
        VideoFileSink(
            tmp_path / "o.mp4", size_hw=(339, 457), frame_rate=None, encoding=Encoding("mpeg4")
        )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_read_only_folder_is_named(tmp_path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SinkError, match="cannot be written to"):
        VideoFileSink(tmp_path / "o.mp4", size_hw=SIZE_HW, frame_rate=None)
