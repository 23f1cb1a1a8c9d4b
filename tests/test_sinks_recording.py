"""Live recordings: what is left of one, whatever ends it."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from realtime_adain.errors import SinkError, SourceError
from realtime_adain.frame import Frame
from realtime_adain.live.takes import Recording
from realtime_adain.sinks.encoding import Encoding, VideoEncoder, VideoFormat
from realtime_adain.sinks.video_file import VideoFileSink
from realtime_adain.sources.video_file import VideoFileSource

from .media import SIZE_HW, numbered, numbers

ROOT = Path(__file__).parents[1]

RECORD = """
import sys, time
from pathlib import Path
from realtime_adain.frame import Frame
from realtime_adain.live.takes import Recording
from tests.media import SIZE_HW, numbered

recording = Recording(Path(sys.argv[1]), size_hw=SIZE_HW, frame_rate=None)
for index, pixels in enumerate(numbered(100)):
    recording.write(Frame(pixels, 1000 + index / 30))
    time.sleep(0.01)
time.sleep(0.2)  # a busy machine's queue
print("written", flush=True)
time.sleep(60)
"""

FILL_THE_DISK = """
import resource, sys, time
import numpy as np
from pathlib import Path
from realtime_adain.errors import SinkError
from realtime_adain.frame import Frame
from realtime_adain.live.takes import Recording

resource.setrlimit(resource.RLIMIT_FSIZE, (400_000,) * 2)
noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
recording = Recording(
    Path(sys.argv[1]), size_hw=noise.shape[:2], frame_rate=None
)
try:
    for index in range(200):
        recording.write(Frame(np.roll(noise, index), index / 30))
        time.sleep(0.005)
except SinkError as error:
    print(error)
try:
    recording.close()
except SinkError as error:
    print(error)
"""


def run(code: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def record(path: Path, count: int) -> Recording:
    recording = Recording(path, size_hw=SIZE_HW, frame_rate=Fraction(30))
    for index, pixels in enumerate(numbered(count)):
        recording.write(Frame(pixels, 1000 + index / 30))
    return recording


def frames_until_the_break(path: Path) -> list[Frame]:
    """Return what can be read of a file that may be cut off."""
    frames = []
    with suppress(SourceError):
        for frame in VideoFileSource(path):
            frames.append(frame)
    return frames


def boxes(path: Path) -> list[str]:
    """Return the names of the outermost parts of an MP4 or QuickTime file."""
    data, position, names = path.read_bytes(), 0, []
    while position + 16 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        names.append(name.decode())
        position += size or len(data)
    return names


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_killed_recording_plays_but_for_its_last_second(suffix, tmp_path) -> None:
    with run(RECORD, tmp_path / f"take{suffix}") as process:
        assert process.stdout.readline() == "written\n"
        process.kill()
    (left,) = tmp_path.iterdir()
    assert left.name == f"take.part{suffix}"
    frames = frames_until_the_break(left)
    assert frames[-1].time >= 99 / 30 - 1
    assert len(frames) > 40  # some may be dropped where the machine is busy
    written = [round(30 * frame.time) % 20 for frame in frames]
    assert numbers(frame.pixels for frame in frames) == written


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on file sizes")
def test_full_disk_leaves_what_was_recorded_before(tmp_path) -> None:
    with run(FILL_THE_DISK, tmp_path / "take.mp4") as process:
        first, last = process.stdout.read().splitlines()
    assert first == f"{tmp_path}/take.mp4: cannot be written (File too large)"
    assert last == f"{first}; what came before is in take.part.mp4"
    (left,) = tmp_path.iterdir()
    assert len(frames_until_the_break(left)) >= 5


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_finished_recording_is_an_ordinary_file(suffix, tmp_path) -> None:
    path = tmp_path / f"take{suffix}"
    assert record(path, 12).close() == f"recorded {path}"
    assert list(tmp_path.iterdir()) == [path]
    source = VideoFileSource(path)
    assert source.duration == pytest.approx(0.4, abs=0.01)
    assert numbers(frame.pixels for frame in source) == list(range(12))
    if suffix in {".mp4", ".mov"}:
        assert "moof" not in boxes(path)


def test_recording_keeps_what_is_there(tmp_path) -> None:
    path = tmp_path / "take.mp4"
    path.write_text("older")
    (tmp_path / "take.part.mp4").write_text("of an earlier crash")
    recording = record(path, 3)
    assert (tmp_path / "take.part-2.mp4").exists()
    assert recording.close() == f"recorded {tmp_path / 'take-2.mp4'}"
    assert numbers(frame.pixels for frame in VideoFileSource(tmp_path / "take-2.mp4")) == [0, 1, 2]
    assert path.read_text() == "older"
    assert (tmp_path / "take.part.mp4").read_text() == "of an earlier crash"
    assert len(list(tmp_path.iterdir())) == 3


def test_recording_without_a_frame_leaves_nothing(tmp_path) -> None:
    line = record(tmp_path / "take.mp4", 0).close()
    assert line == f"{tmp_path}/take.mp4: no frame came, so nothing was recorded"
    assert list(tmp_path.iterdir()) == []


def test_ordinary_file_is_not_in_fragments_on_the_way(tmp_path) -> None:
    sink = VideoFileSink(tmp_path / "o.mp4", size_hw=SIZE_HW, frame_rate=None)
    for index, pixels in enumerate(numbered(60)):
        sink.write(Frame(pixels, index / 30))
    (part,) = tmp_path.iterdir()
    assert part.name.startswith(".")
    assert "moof" not in boxes(part)
    sink.close()
    assert "moof" not in boxes(tmp_path / "o.mp4")


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_prompt_encoder_keeps_nothing_back(codec) -> None:
    video = VideoFormat(SIZE_HW, Fraction(25), Fraction(1, 25), Fraction(1))
    with av.open(io.BytesIO(), "w", format="matroska") as container:
        encoder = VideoEncoder(container, codec, Encoding(low_latency=True), video)
        packets = [len(encoder.encode(pixels, pts)) for pts, pixels in enumerate(numbered(4))]
    assert packets == [1, 1, 1, 1]


def test_crash_safe_file_refuses_as_others_do(tmp_path) -> None:
    with pytest.raises(SinkError, match="unknown video suffix"):
        record(tmp_path / "take.avi", 0)
    noise = np.zeros((8, 8, 3), np.uint8)
    recording = record(tmp_path / "take.mp4", 1)
    recording.write(Frame(noise, 2000.0))
    with pytest.raises(SinkError, match="frames must be 64x48, got 8x8"):
        recording.close()
