"""Weights files: what is written is read back; what is damaged is said in one line."""

from __future__ import annotations

import functools
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from realtime_adain import Stylizer, weights
from realtime_adain.errors import WeightsError
from realtime_adain.image import main as repaint
from realtime_adain.networks import LeanNetwork, VGGEncoder, VGGNetwork, normalise_activations
from realtime_adain.pictures import read_picture, write_picture
from realtime_adain.weights.fetched import FILES
from realtime_adain.weights.published import (
    DECODER_KEYS,
    ENCODER_KEYS,
    IMAGENET_MEAN,
    IMAGENET_STD,
    TORCHVISION_KEYS,
)

from .helpers import TINY, picture


@pytest.mark.parametrize(
    "network", [LeanNetwork(**TINY), VGGNetwork((4, 6, 8, 10))], ids=["lean", "vgg"]
)
def test_saved_network_comes_back(network, tmp_path) -> None:
    path = tmp_path / "network.safetensors"
    weights.save_network(path, network, torch.float32)
    loaded = weights.load_network(path)
    assert type(loaded) is type(network) and loaded.config == network.config
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor)


@pytest.mark.parametrize("name", weights.SHA256)
def test_shipped_model_paints_what_it_sees(name) -> None:
    stylizer = Stylizer(name, device="cpu", engine="torch", dtype=torch.float32)
    content, style = picture(64, 64), picture(64, 64, seed=1)
    painted = stylizer.stylize(content, stylizer.encode_style(style))
    assert painted.std() > 20
    assert np.abs(painted.astype(int) - content).mean() > 10
    unpainted = stylizer.stylize(content, stylizer.encode_style(style), 0.0)
    assert np.abs(unpainted.astype(int) - content).mean() < 20


def test_unknown_model_lists_the_known() -> None:
    with pytest.raises(WeightsError, match="no model named 'huge'; there are lite"):
        Stylizer("huge")


def test_damaged_shipped_file_is_noticed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(weights.files, "_models_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.load_model("lite")
    (tmp_path / "lite.safetensors").write_bytes(b"half a download")
    with pytest.raises(WeightsError, match="damaged weights"):
        weights.load_model("lite")


def test_other_files_are_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "some.safetensors"
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        weights.load_network(path)
    path.write_text("text")
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        weights.load_network(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="'architecture' is missing"):
        weights.load_network(path)
    save_file({"x": torch.zeros(1)}, path, {"architecture": "lean", "config": "{}"})
    with pytest.raises(WeightsError, match="does not fit its network"):
        weights.load_network(path)


@pytest.mark.parametrize("heads", [None, (5, 7, 9, 11)])
def test_teacher_of_any_width_loads(heads, tmp_path) -> None:
    encoder = VGGEncoder((4, 6, 8, 10), heads)
    save_file(encoder.state_dict(), tmp_path / "teacher.safetensors")
    teacher = weights.load_teacher(tmp_path / "teacher.safetensors")
    image = torch.rand(1, 3, 32, 32)
    for ours, theirs in zip(teacher(image), encoder(image), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_teacher_of_another_shape_is_refused(tmp_path) -> None:
    save_file({"conv1_1.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "teacher.safetensors")
    with pytest.raises(WeightsError, match="not a VGG encoder"):
        weights.load_teacher(tmp_path / "teacher.safetensors")


def sequential(keys: dict[str, int], module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the tensors of a module in the layout of the common port."""
    return {
        f"{number}.{part}": getattr(getattr(module, name), part).clone()
        for name, number in keys.items()
        for part in ("weight", "bias")
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with an encoder and a decoder of random weights under the published names."""
    folder = tmp_path_factory.mktemp("release")
    torch.manual_seed(3)
    network = VGGNetwork()
    encoder = sequential(ENCODER_KEYS, network.encoder)
    encoder["31.weight"] = torch.zeros(1)  # the published file goes on to relu5_4
    torch.save(encoder, folder / FILES[0])
    torch.save(sequential(DECODER_KEYS, network.decoder), folder / FILES[1])
    return folder


def plain_definition(encoder: dict, decoder: dict, content, style, alpha: float):
    """The paper, written down once more: one convolution after the other by their numbers."""

    def conv(x, weights, number, padding=1):
        x = functional.pad(x, (padding,) * 4, mode="reflect") if padding else x
        return functional.conv2d(x, weights[f"{number}.weight"], weights[f"{number}.bias"])

    def encode(x):
        x = conv(x, encoder, 0, padding=0)
        for stage in ((2, 5), (9, 12), (16, 19, 22, 25)):
            for number in stage:
                x = conv(x, encoder, number).relu()
            x = functional.max_pool2d(x, 2, 2, 0, ceil_mode=True)
        return conv(x, encoder, 29).relu()

    features, target = encode(content), encode(style)
    size = (2, 3)
    deviation = (features.var(size, keepdim=True) + 1e-5).sqrt()
    normalised = (features - features.mean(size, keepdim=True)) / deviation
    styled = normalised * (target.var(size, keepdim=True) + 1e-5).sqrt()
    styled = styled + target.mean(size, keepdim=True)
    x = alpha * styled + (1 - alpha) * features
    for number in (1, 5, 8, 11, 14, 18, 21, 25, 28):
        x = conv(x, decoder, number)
        x = x if number == 28 else x.relu()
        if number in (1, 14, 21):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
    return x


@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_published_pair_is_the_paper_s_network(published, alpha) -> None:
    network = weights.load_checkpoint(published / FILES[0], published / FILES[1])
    content, style = torch.rand(1, 3, 48, 40), torch.rand(1, 3, 33, 50)
    encoder, decoder = (torch.load(published / name, weights_only=True) for name in FILES)
    expected = plain_definition(encoder, decoder, content, style, alpha)
    output = network(content, network.encode_style(style), alpha)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


def test_published_pair_of_another_shape_is_refused(published, tmp_path) -> None:
    encoder, decoder = published / FILES[0], published / FILES[1]
    with pytest.raises(WeightsError, match=r"decoder.pth: 0.weight is missing"):
        weights.load_checkpoint(decoder, encoder)
    tensors = torch.load(decoder, weights_only=True)
    tensors["28.weight"] = tensors["28.weight"][:1]
    torch.save(tensors, tmp_path / "grey.pth")
    with pytest.raises(WeightsError, match=r"28.weight has the shape \(1, 64, 3, 3\), not \(3,"):
        weights.load_checkpoint(encoder, tmp_path / "grey.pth")
    with pytest.raises(WeightsError, match="none.pth: cannot be read"):
        weights.load_checkpoint(encoder, tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(WeightsError, match="no tensors that are safe to load"):
        weights.load_checkpoint(encoder, tmp_path / "text.pth")


def test_checkpoint_that_would_run_code_is_refused(published, tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return (Path(tmp_path / "sprung").touch, ())

    torch.save({"1.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError, match="safe to load"):
        weights.load_checkpoint(published / FILES[0], tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


def test_published_and_torchvision_encoders_are_teachers(published, tmp_path) -> None:
    teacher = weights.load_teacher(published / FILES[0])
    image = torch.rand(1, 3, 40, 40)
    network = weights.load_checkpoint(published / FILES[0], published / FILES[1])
    torch.testing.assert_close(teacher(image)[-1], network.encoder(image)[-1])

    numbers = {f"features.{number}": name for name, number in TORCHVISION_KEYS.items()}
    tensors = {
        f"{key}.{part}": getattr(getattr(teacher, name), part)
        for key, name in numbers.items()
        for part in ("weight", "bias")
    }
    torch.save(tensors, tmp_path / "vgg19.pth")
    other = weights.load_teacher(tmp_path / "vgg19.pth")
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    normalised = (image - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(other.preprocess(image), normalised, rtol=1e-4, atol=1e-5)


@pytest.fixture
def release_server(published):
    """Serves the release on this machine; returns its address."""
    handler = functools.partial(QuietHandler, directory=str(published))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_paper_s_network_is_fetched_once_and_loads(release_server, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(WeightsError, match="weights fetch vgg19"):
        weights.load_model("vgg19")
    assert [path.name for path in weights.fetch(release_server)] == list(FILES)
    assert isinstance(weights.load_model("vgg19"), VGGNetwork)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(FILES)


def test_failed_fetch_says_why_and_leaves_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="cannot be fetched"):
        weights.fetch("http://127.0.0.1:9")
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for name in FILES:
        (wrong / name).write_text("a page that says no")
    with pytest.raises(WeightsError, match="safe to load"):
        weights.fetch(wrong.as_uri())
    assert [path.name for path in tmp_path.iterdir()] == ["wrong"]


def test_normalised_teacher_has_unit_mean_activations() -> None:
    torch.manual_seed(0)
    encoder = VGGEncoder((4, 6, 8, 10)).requires_grad_(False)
    images = torch.rand(2, 3, 32, 32)
    before = encoder(images)
    normalise_activations(encoder, images)
    for features, raw in zip(encoder(images), before, strict=True):
        alive = raw.mean((0, 2, 3)) > 1e-4
        mean = features.mean((0, 2, 3))[alive]
        torch.testing.assert_close(mean, torch.ones_like(mean), rtol=1e-3, atol=1e-3)


def test_published_pair_repaints_from_python_and_the_command_line(published, tmp_path) -> None:
    files = [str(published / name) for name in FILES]
    stylizer = Stylizer.from_checkpoint(*files, device="cpu", engine="torch", dtype=torch.float32)
    content, style = picture(40, 48), picture(40, 40, seed=1)
    write_picture(tmp_path / "content.png", content)
    write_picture(tmp_path / "style.png", style)
    out = tmp_path / "out.png"
    arguments = [str(tmp_path / "content.png"), str(out), "--style", str(tmp_path / "style.png")]
    options = ["--style-size", "64", "--engine", "torch", "--precision", "float32"]
    assert repaint([*arguments, *options, "--checkpoint", *files]) == 0
    expected = stylizer.stylize(content, stylizer.encode_style(style, size=64))
    assert (read_picture(out) == expected).all()
    assert repaint([*arguments, "--checkpoint", files[1], files[0]]) == 1


def test_a_transfer_that_breaks_off_is_told(tmp_path, monkeypatch) -> None:
    class Breaking(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"64\r\nhalf")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(WeightsError, match="the transfer broke off"):
            weights.fetch(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert list(tmp_path.iterdir()) == []
