"""Training learns, goes on where it stopped, and leaves weights that load."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import importlib.util
import json
import signal
import sys

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from realtime_adain.dataset import PairDataset, Pairs, change_palette
from realtime_adain.errors import PictureError, TrainingError, WeightsError
from realtime_adain.interrupts import uninterrupted
from realtime_adain.losses import PerceptualLoss, checkerboard
from realtime_adain.networks import LeanNetwork, VGGEncoder, VGGNetwork, initialise
from realtime_adain.pictures import list_pictures, read_picture, write_picture
from realtime_adain.train import main
from realtime_adain.training.factorising import factorised
from realtime_adain.training.growing import grow
from realtime_adain.training.logbook import LossLog
from realtime_adain.training.loop import learning_rate_factor, train
from realtime_adain.training.objectives import make_objective, random_part
from realtime_adain.training.options import TrainingOptions, make_options
from realtime_adain.training.probe import StatisticsProbe, rows_of
from realtime_adain.training.teacher_cache import TeacherCache
from realtime_adain.weights import load_network
from realtime_adain.writing import locked

from .helpers import TINY, picture


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    for kind in ("content", "style"):
        (root / kind).mkdir()
        for index in range(3):
            write_picture(root / kind / f"{index}.png", picture(60, 70 + index, seed=index))
    (root / "style" / "broken.jpg").write_text("no picture")
    return root


@pytest.fixture(scope="module")
def teacher() -> VGGEncoder:
    torch.manual_seed(1)
    teacher = VGGEncoder((4, 6, 8, 10)).eval().requires_grad_(False)
    initialise(teacher)  # as PyTorch begins, the deep layers fall silent
    return teacher


def options_for(folders, **changes) -> TrainingOptions:
    options = TrainingOptions(
        content=str(folders / "content"),
        style=str(folders / "style"),
        teacher="tiny",
        config=TINY,
        steps=6,
        batch=2,
        crop=32,
        warmup=1,
        probe_samples=8,
    )
    return dataclasses.replace(options, **changes)


def run(options, folder, teacher, **changes):
    arguments = {
        "device": torch.device("cpu"),
        "workers": 0,
        "save_every": 3,
        "sheet_every": 6,
        "quiet": True,
        "report": lambda line: None,
    }
    return train(options, folder, teacher, **{**arguments, **changes})


def test_batches_depend_on_seed_and_step_alone(folders) -> None:
    make = lambda seed: PairDataset(  # noqa: E731
        folders / "content", folders / "style", batch=3, crop=24, seed=seed
    )
    first, again, other = make(0), make(0), make(1)
    for step in (0, 7):
        contents, styles, _, _ = first[step]
        assert contents.shape == styles.shape == (3, 24, 24, 3)
        assert contents.dtype == torch.uint8
        assert (contents == again[step][0]).all() and (styles == again[step][1]).all()
    assert (first[0][0] != other[0][0]).any()
    for step in range(20):
        first[step]
    assert first.broken == {folders / "style" / "broken.jpg"}


def test_batches_read_ahead_come_in_the_order_of_the_steps(folders) -> None:
    data = PairDataset(folders / "content", folders / "style", batch=2, crop=32)
    ahead = list(data.read_ahead(range(3, 20), workers=3))
    assert len(ahead) == 17
    for step, pairs in enumerate(ahead, 3):
        torch.testing.assert_close(pairs.contents, data[step].contents)


def test_crops_that_come_again_have_equal_keys(folders) -> None:
    data = PairDataset(
        folders / "content", folders / "style", batch=3, crop=24, crops_per_picture=2
    )
    crops: dict[int, torch.Tensor] = {}
    met = 0
    for step in range(20):
        for crop, key in zip(data[step].contents, data[step].content_keys, strict=True):
            met += key in crops
            assert (crops.setdefault(key, crop) == crop).all()
    assert len(crops) == 6 and met == 54
    fresh = PairDataset(folders / "content", folders / "style", batch=3, crop=24)
    assert fresh[0].content_keys == fresh[0].style_keys == [-1, -1, -1]


def test_artworks_may_be_given_other_palettes(folders) -> None:
    plain, changed = (
        PairDataset(folders / "content", folders / "style", batch=3, crop=24, **options)
        for options in (
            {"crops_per_picture": 1},
            {"crops_per_picture": 1, "palette_augmentation": 1.0},
        )
    )
    for step in range(3):
        before, after, again = plain[step], changed[step], changed[step]
        assert (before.contents == after.contents).all()
        assert before.style_keys == after.style_keys
        assert (after.styles == again.styles).all()
        differences = (before.styles.int() - after.styles.int()).abs()
        assert (differences.amax((1, 2, 3)) > 20).all()


def test_another_palette_keeps_the_drawing() -> None:
    pixels = picture(64, 64)
    changed = change_palette(pixels, np.random.default_rng(3))
    before, after = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).ravel() for p in (pixels, changed))
    assert np.corrcoef(before, after)[0, 1] > 0.8


def test_one_unreadable_style_does_not_count_for_all() -> None:
    probe = StatisticsProbe(5, (3, 4))
    rows = torch.zeros(2, 2 * (3 + 4))
    rows[0] = 100.0
    codes = torch.zeros(2, 5)
    errors = probe(codes, rows)
    assert errors[0].item() == pytest.approx(3.0) and errors[1].item() < 3.0


def test_the_teacher_looks_once_at_what_comes_again(teacher) -> None:
    loss = PerceptualLoss(teacher)
    sights = TeacherCache(loss, with_features=True)
    images = torch.rand(3, 3, 32, 32)
    expected = loss.extract(images)
    looked = []
    teacher.register_forward_hook(lambda _, given, __: looked.append(len(given[0])))
    for keys in ([4, -1, 7], [4, -1, 7]):
        seen = sights(images, keys)
        torch.testing.assert_close(seen.features, expected.features)
        torch.testing.assert_close(rows_of(seen.statistics), rows_of(expected.statistics))
    assert looked == [3, 1]  # the one without a key is never known again


def test_probe_begins_with_what_is_there_to_read() -> None:
    codes, truth = torch.randn(60, 5), torch.randn(5, 2 * (3 + 4))
    rows = 3 * codes @ truth + 1
    probe = StatisticsProbe(5, (3, 4))
    before = probe(codes, rows).mean().item()
    probe.fit(codes, rows)
    assert probe(codes, rows).mean().item() < 1e-3 * before


def test_losses_are_zero_for_the_targets_themselves(teacher) -> None:
    loss = PerceptualLoss(teacher)
    content, style = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 40, 40)
    seen, wanted = loss.extract(content), loss.extract(style).statistics
    content_loss, style_loss = loss(content, loss.targets(seen, wanted))
    assert content_loss.tolist() == pytest.approx([0, 0], abs=1e-9)
    assert (style_loss > 1e-6).all()
    _, own_style = loss(content, loss.targets(seen, wanted, alpha=0.0))
    assert own_style.tolist() == pytest.approx([0, 0], abs=1e-9)


def test_style_loss_is_the_sum_over_four_layers_by_the_formula(teacher) -> None:
    loss = PerceptualLoss(teacher)
    output, style = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    expected = 0.0
    for ours, theirs in zip(teacher(output), teacher(style), strict=True):
        expected += (ours.mean((2, 3)) - theirs.mean((2, 3))).square().mean()
        stds = [(x.var((2, 3)) + 1e-5).sqrt() for x in (ours, theirs)]
        expected += (stds[0] - stds[1]).square().mean()
    _, style_loss = loss(output, loss.targets(loss.extract(output), loss.extract(style).statistics))
    torch.testing.assert_close(style_loss, expected[None], rtol=1e-4, atol=1e-7)


def test_grid_pattern_sees_a_grid_and_no_ramp_or_noise() -> None:
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    grid = torch.zeros(1, 3, 32, 32)
    grid[:, :, ::2, ::2] = 0.4
    noise = 0.1 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert checkerboard(grid).item() == pytest.approx(0.4 * (0.75 + 3 * 0.25) / 4)
    assert checkerboard(ramp).item() < 0.02  # half a pixel of slope
    assert checkerboard(noise).item() < 0.02


@pytest.fixture
def often_logged(monkeypatch) -> None:
    """A row of the log every second step."""
    monkeypatch.setattr("realtime_adain.training.loop._LOG_EVERY", 2)


def test_a_resumed_log_has_every_step_once(folders, teacher, tmp_path, often_logged) -> None:
    options = options_for(folders, steps=4)

    def crash(line: str) -> None:
        if line.startswith("step 4"):
            raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        run(options, tmp_path, teacher, save_every=3, report=crash)
    run(options, tmp_path, teacher)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(row["step"]) for row in rows] == [2, 4]


def test_training_lowers_the_loss(folders, teacher, tmp_path) -> None:
    options = options_for(folders, steps=200, learning_rate=3e-3, low_alpha_fraction=1.0)
    run(options, tmp_path, teacher, save_every=200, sheet_every=200)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [int(row["step"]) for row in rows] == [100, 200]
    assert float(rows[1]["identity"]) < 0.8 * float(rows[0]["identity"])


def test_resumed_run_ends_as_the_uninterrupted_one(folders, teacher, tmp_path) -> None:
    options = options_for(folders)
    whole = run(options, tmp_path / "whole", teacher)

    class Stop(Exception):
        pass

    def stop_after_the_checkpoint(picture_path, pixels) -> None:
        raise Stop

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr("realtime_adain.training.loop.write_picture", stop_after_the_checkpoint)
        run(options, tmp_path / "parts", teacher, sheet_every=3)
    parts = run(options, tmp_path / "parts", teacher)
    ours, theirs = load_network(whole).state_dict(), load_network(parts).state_dict()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], msg=name)
    assert read_picture(tmp_path / "whole" / "sheet-000006.jpg").shape == (3 * 32, 3 * 32, 3)


def test_a_run_with_other_options_is_not_continued(folders, teacher, tmp_path) -> None:
    run(options_for(folders, steps=1), tmp_path, teacher)
    assert json.loads((tmp_path / "options.json").read_text())["steps"] == 1
    with pytest.raises(WeightsError, match="holds a run with other options .batch, steps.;"):
        run(options_for(folders, steps=2, batch=1), tmp_path, teacher)
    for kept in ("weights.safetensors", "checkpoint.pt"):
        (tmp_path / kept).unlink()
    run(options_for(folders, steps=2, batch=1), tmp_path, teacher)  # nothing had been learnt


def test_a_damaged_run_is_named(folders, teacher, tmp_path) -> None:
    run(options_for(folders, steps=1), tmp_path, teacher)
    (tmp_path / "card.md").unlink()
    checkpoint = (tmp_path / "checkpoint.pt").read_bytes()
    for size in (0, 1000, len(checkpoint) - 1000):
        (tmp_path / "checkpoint.pt").write_bytes(checkpoint[:size])
        with pytest.raises(WeightsError, match="checkpoint.pt: not a checkpoint of such a run"):
            run(options_for(folders, steps=1), tmp_path, teacher)
    for text in ("{", "3"):
        (tmp_path / "options.json").write_text(text)
        with pytest.raises(WeightsError, match="options.json: not the options of a run"):
            run(options_for(folders, steps=1), tmp_path, teacher)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_a_folder_is_trained_in_by_one_process_at_a_time(folders, teacher, tmp_path) -> None:
    run(options_for(folders, steps=1), tmp_path, teacher)
    with (
        locked(tmp_path / "options.json"),
        pytest.raises(WeightsError, match="another process is training there"),
    ):
        run(options_for(folders, steps=1), tmp_path, teacher)


def test_a_run_without_data_leaves_nothing(folders, teacher, tmp_path) -> None:
    with pytest.raises(PictureError, match="gone: no such folder"):
        run(options_for(folders, style=str(tmp_path / "gone")), tmp_path / "run", teacher)
    assert not (tmp_path / "run").exists()


def test_interrupted_run_goes_on_where_it_was(folders, teacher, tmp_path, often_logged) -> None:
    options = options_for(folders, steps=4)
    lines: list[str] = []

    def interrupt(line: str) -> None:
        lines.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(options, tmp_path, teacher, save_every=1000, report=interrupt)
    assert lines[0].startswith("step 2/4")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 2, "the steps since the last checkpoint are lost"


def test_a_run_that_diverges_says_so_and_keeps_its_checkpoint(folders, teacher, tmp_path) -> None:
    options = options_for(folders, steps=200, learning_rate=1e8, warmup=0)
    with pytest.raises(TrainingError, match="not finite any more after step [1-9]"):
        run(options, tmp_path, teacher, save_every=1)
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["averaged"]
    assert all(tensor.isfinite().all() for tensor in kept.values())


def test_a_gradient_that_is_not_finite_spoils_no_checkpoint(
    folders, teacher, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(float("inf")))
    with pytest.raises(TrainingError, match="a gradient that is not finite after step 0"):
        run(options_for(folders, steps=3), tmp_path, teacher, save_every=1)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_run_that_blows_up_ends_before_it_is_saved(
    folders, teacher, tmp_path, monkeypatch, often_logged
) -> None:
    add, seen = LossLog.add, []

    def add_grown(log: LossLog, parts: dict[str, float]) -> None:
        seen.append(parts)
        growth = 100 if len(seen) > 2 else 1
        add(log, {name: growth * value for name, value in parts.items()})

    monkeypatch.setattr(LossLog, "add", add_grown)
    options = options_for(folders, steps=20)
    with pytest.raises(TrainingError, match="has grown from .* to .* after step 4;"):
        run(options, tmp_path, teacher, save_every=2)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 2


@pytest.mark.parametrize("gains", [True, False])
def test_bfloat16_is_computed_where_the_processor_gains_by_it(
    gains, folders, teacher, monkeypatch
) -> None:
    monkeypatch.setattr("realtime_adain.engines.processor.gains_by_bfloat16", lambda: gains)
    objective = make_objective(options_for(folders), teacher, None)
    with objective.mixed_precision(torch.device("cpu")):
        output = torch.nn.Conv2d(3, 3, 1)(torch.rand(1, 3, 4, 4))
    assert (output.dtype == torch.bfloat16) == gains


def test_consistency_is_of_the_same_content_elsewhere_in_the_picture() -> None:
    content = torch.rand(1, 3, 64, 80)
    places = set()
    for seed in range(200):
        torch.manual_seed(seed)
        part, place = random_part(content, 8)
        assert part.shape == (1, 3, 56, 72)
        torch.testing.assert_close(part, content[place])
        places.add((place[1].start, place[2].start))
    assert {top for top, _ in places} == {left for _, left in places} == set(range(9))


def test_finished_run_leaves_table_plot_and_card(folders, teacher, tmp_path, often_logged) -> None:
    run(options_for(folders, steps=4), tmp_path, teacher)
    card = (tmp_path / "card.md").read_text()
    digest = hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest()
    assert digest in card and "3 photographs, 4 artworks" in card and "style weight" in card
    if importlib.util.find_spec("matplotlib"):
        assert read_picture(tmp_path / "losses.png").shape[2] == 3


def test_style_encoder_learns_alone_and_the_painter_stays(folders, teacher, tmp_path) -> None:
    start = run(options_for(folders, steps=1), tmp_path / "start", teacher)
    options = options_for(
        folders,
        recipe="style-encoder",
        initial=str(start),
        steps=200,
        learning_rate=3e-3,
        crops_per_picture=1,
        ema_decay=0.0,
    )
    weights = run(options, tmp_path / "run", teacher, save_every=200, sheet_every=200)
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    for part in ("features", "probe"):
        assert float(rows[1][part]) < 0.8 * float(rows[0][part]), part
    assert float(rows[1]["retention"]) < 1
    before, after = load_network(start).state_dict(), load_network(weights).state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed and all(name.startswith("style_encoder") for name in changed)


def test_heads_of_the_style_encoder_learn_what_the_teacher_sees(folders, teacher, tmp_path) -> None:
    start = run(options_for(folders, steps=1), tmp_path / "start", teacher)
    options = options_for(
        folders,
        recipe="style-encoder",
        initial=str(start),
        config={**TINY, "style_heads": [4, 6, 8, 10]},
        steps=200,
        learning_rate=3e-3,
        ema_decay=0.0,
    )
    network = load_network(run(options, tmp_path / "run", teacher))
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert float(rows[1]["features"]) < 0.8 * float(rows[0]["features"])
    image = torch.from_numpy(picture(48, 48)).permute(2, 0, 1)[None] / 255
    layers = zip(network.style_encoder.vgg(image), network.style_encoder.heads, strict=True)
    unexplained = sum(
        (head(layer).relu() - seen).square().mean() / seen.var((0, 2, 3)).mean()
        for (layer, head), seen in zip(layers, teacher(image), strict=True)
    )
    assert unexplained < float(rows[0]["features"])


def test_heads_must_be_the_teachers(folders, teacher, tmp_path) -> None:
    for heads, message in (([4, 6, 8, 11], "teacher's widths"), ([4, 6], "does not fit")):
        config = {**TINY, "style_heads": heads}
        with pytest.raises(ValueError, match=message):
            run(options_for(folders, recipe="style-encoder", config=config), tmp_path, teacher)
        assert not any(tmp_path.iterdir())  # so that the corrected command can begin there


@pytest.mark.parametrize(
    "larger",
    [
        {"widths": (12, 10, 24)},
        {"widths": (16, 16, 32)},
        {"widths": (16, 16, 32), "ranks": (8, 6, 16, 4)},
        {"style_hidden": 40},
        {"style_heads": (6, 8, 12, 16)},
        {"style_hidden": 24, "style_heads": (6, 8, 12, 16)},
    ],
)
def test_grown_network_paints_the_same(larger) -> None:
    torch.manual_seed(3)
    small = LeanNetwork(**{**TINY, "style_hidden": 16}).eval()
    large = LeanNetwork(**{**TINY, "style_hidden": 16, **larger}).eval()
    grow(small, large)
    content, style = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    for alpha in (1.0, 0.4, 0.0):
        expected = small(content, small.encode_style(style), alpha)
        result = large(content, large.encode_style(style), alpha)
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-4)


def test_a_whole_network_begins_one_of_low_rank() -> None:
    torch.manual_seed(3)
    whole = LeanNetwork(**{**TINY, "ranks": None}).eval()
    content, style = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    expected = whole(content, whole.encode_style(style))

    def error(ranks: tuple[int, ...]) -> float:
        network = factorised(whole, LeanNetwork(**{**TINY, "ranks": ranks}).eval()).eval()
        painted = network(content, network.encode_style(style))
        return (painted - expected).square().mean().item()

    assert error((16, 16, 16, 8)) < 1e-8  # nothing is lost at full rank
    assert error((16, 16, 16, 8)) < error((14, 14, 14, 7)) < error((4, 4, 4, 2))
    with pytest.raises(ValueError, match="ranks must be at most 16 here, got 17"):
        error((16, 16, 17, 8))


def test_a_run_of_low_rank_starts_from_whole_convolutions(folders, teacher, tmp_path) -> None:
    whole = {**TINY, "ranks": None}
    start = run(options_for(folders, steps=1, config=whole), tmp_path / "start", teacher)
    changes = {"steps": 1, "initial": str(start), "config": {"ranks": [4, 4, 4, 4]}}
    network = load_network(run(options_for(folders, **changes), tmp_path / "run", teacher))
    assert network.ranks == (4, 4, 4, 4)
    with pytest.raises(ValueError, match="of ranks at most as high"):
        grow(network, load_network(start))


def test_distillation_teaches_low_rank_to_paint_as_before(folders, teacher, tmp_path) -> None:
    whole = {**TINY, "ranks": None}
    start = run(options_for(folders, steps=1, config=whole), tmp_path / "start", teacher)
    options = options_for(
        folders,
        recipe="distillation",
        initial=str(start),
        config={"ranks": [6, 4, 6, 4]},
        steps=200,
        learning_rate=3e-3,
        ema_decay=0.0,
    )
    weights = run(options, tmp_path / "run", teacher, save_every=200, sheet_every=200)
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    for part in ("features", "picture"):
        assert float(rows[1][part]) < 0.7 * float(rows[0][part]), part
    before, after = load_network(start), load_network(weights)
    style = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(after.encode_style(style), before.encode_style(style))
    for initial, reason in (
        (None, "of whole convolutions as --initial"),
        (weights, "of whole convolutions as --initial"),
        (start, "needs ranks"),
    ):
        changes = {"recipe": "distillation", "initial": initial and str(initial), "config": {}}
        impossible = options_for(folders, **changes)
        with pytest.raises(ValueError, match=reason):
            run(impossible, tmp_path / "none", teacher)


def test_a_log_begun_anew_takes_other_columns(tmp_path) -> None:
    log = LossLog(tmp_path / "log.csv")
    log.add({"content": 1.0})
    log.write(100)
    log = LossLog(tmp_path / "log.csv")
    log.forget_after(0)
    log.add({"features": 2.0, "picture": 3.0})
    log.write(100)
    (row,) = csv.DictReader((tmp_path / "log.csv").open())
    assert (row["step"], float(row["picture"])) == ("100", 3.0) and "content" not in row


def test_copied_channels_part_as_they_learn() -> None:
    small = LeanNetwork(**TINY)
    large = LeanNetwork(**{**TINY, "widths": [2 * width for width in small.widths]})
    grow(small, large)
    large(torch.rand(1, 3, 64, 64), large.encode_style(torch.rand(1, 3, 64, 64))).sum().backward()
    first, second = large.down1.weight.grad.chunk(2)
    assert not torch.allclose(first, second, rtol=0.01)


def test_what_config_leaves_open_is_as_in_the_initial_network(folders, teacher, tmp_path) -> None:
    start = run(options_for(folders, steps=1), tmp_path / "start", teacher)
    changes = {"steps": 1, "initial": str(start), "config": {"style_hidden": 40}}
    larger = load_network(run(options_for(folders, **changes), tmp_path / "run", teacher))
    expected = LeanNetwork(**{**TINY, "style_hidden": 40}).state_dict()
    shapes = {name: tensor.shape for name, tensor in expected.items()}
    assert {name: tensor.shape for name, tensor in larger.state_dict().items()} == shapes


def test_a_run_starts_from_nothing_larger(folders, teacher, tmp_path) -> None:
    start = run(options_for(folders, steps=1), tmp_path / "start", teacher)
    narrow = {**TINY, "widths": [2, 2, 2]}
    with pytest.raises(ValueError, match="at most as wide"):
        run(options_for(folders, initial=str(start), config=narrow), tmp_path / "run", teacher)
    with pytest.raises(ValueError, match="whose depth"):
        grow(LeanNetwork(**TINY), LeanNetwork(**{**TINY, "blocks": 3}))
    headed = LeanNetwork(**TINY, style_heads=(4, 4, 8, 8))
    with pytest.raises(ValueError, match="features are the same"):
        grow(headed, LeanNetwork(**TINY))
    again = LeanNetwork(**TINY, style_heads=(4, 4, 8, 8))
    grow(headed, again)
    style = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(again.encode_style(style), headed.encode_style(style))


def test_paper_recipe_trains_the_decoder_alone(folders, teacher, tmp_path) -> None:
    options = make_options(
        {
            **{"content": str(folders / "content"), "style": str(folders / "style")},
            **{"teacher": "tiny", "recipe": "paper", "steps": 200, "batch": 2, "crop": 32},
            # With more, or in bfloat16, so narrow a decoder may fall silent.
            **{"learning_rate": 6e-4, "mixed_precision": False},
        }
    )
    assert options.style_weight == 10 and options.inverse_decay == 5e-5
    beginning = dataclasses.replace(options, steps=1)
    untrained = load_network(run(beginning, tmp_path / "one step", teacher))
    network = load_network(run(options, tmp_path / "run", teacher, save_every=200, sheet_every=200))
    assert isinstance(network, VGGNetwork)
    for name, tensor in teacher.state_dict().items():  # stored in half precision
        torch.testing.assert_close(
            network.encoder.state_dict()[name], tensor, rtol=1e-3, atol=1e-3, msg=name
        )
    contents, styles = (
        np.stack([read_picture(path)[10:42, 10:42] for path in (folders / kind).glob("?.png")])
        for kind in ("content", "style")
    )
    pairs = Pairs(torch.from_numpy(contents), torch.from_numpy(styles), [-1] * 3, [-1] * 3)
    judge = make_objective(options, teacher, None).judge
    before, after = (judge(one, pairs.on(torch.device("cpu"))) for one in (untrained, network))
    for part in ("content", "style"):
        assert after[part] < 0.6 * before[part]


def test_paper_recipe_needs_the_features_themselves(folders, tmp_path) -> None:
    headed = VGGEncoder((4, 6, 8, 10), (4, 6, 8, 10))
    with pytest.raises(WeightsError, match="without heads"):
        run(options_for(folders, recipe="paper"), tmp_path, headed)


def test_paper_recipe_goes_on_from_its_own_kind_alone(folders, teacher, tmp_path) -> None:
    lean = run(options_for(folders, steps=1), tmp_path / "lean", teacher)
    options = options_for(folders, steps=1, recipe="paper", initial=str(lean))
    with pytest.raises(ValueError, match="goes on from a network of the teacher's shape"):
        run(options, tmp_path / "paper", teacher)


def test_a_finished_run_is_left_as_it_is(folders, teacher, tmp_path) -> None:
    options = options_for(folders, steps=2)
    weights = run(options, tmp_path, teacher)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(options, tmp_path, teacher) == weights
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_learning_rate_rises_stays_and_falls() -> None:
    options = TrainingOptions("", "", "", steps=100, warmup=10, cosine_fraction=0.5)
    factors = [learning_rate_factor(step, options) for step in range(101)]
    assert factors[0] == pytest.approx(0.1) and factors[9:51] == pytest.approx([1.0] * 42)
    assert factors[75] == pytest.approx(0.5) and factors[100] == pytest.approx(0.0)
    paper = make_options({"content": "", "style": "", "teacher": "", "recipe": "paper"})
    assert learning_rate_factor(20_000, paper) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recipe": "magic"}, "no recipe named 'magic'; there are student, "),
        ({"steps": 0}, "steps must be at least 1"),
        ({"crop": 60}, "crop must be a multiple of 8"),
        ({"low_alpha_fraction": 2.0}, "low_alpha_fraction must be in 0..1"),
        ({"scale_min": 0.9, "scale_max": 0.5}, "scales must be"),
    ],
)
def test_options_outside_their_range_are_refused(given, message) -> None:
    with pytest.raises(ValueError, match=message):
        make_options({"content": "", "style": "", "teacher": "", **given})


def test_command_trains_and_exports(folders, teacher, tmp_path, capsys) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in teacher.state_dict().items()}
    save_file(tensors, tmp_path / "teacher.safetensors")
    arguments = [
        *(str(tmp_path / "run"), "--content", str(folders / "content")),
        *("--style", str(folders / "style"), "--teacher", str(tmp_path / "teacher.safetensors")),
        *("--steps", "1", "--batch", "1", "--crop", "32", "--probe-samples", "4"),
    ]
    assert main(arguments) == 0
    load_network(tmp_path / "run" / "weights.safetensors")
    assert main([*arguments, "--teacher", str(tmp_path / "none.safetensors")]) == 1
    assert "none.safetensors" in capsys.readouterr().err


def test_an_interrupt_waits_until_a_step_is_whole() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        steps.append("whole")
    assert steps == ["whole"]


def test_without_a_teacher_the_fetched_one_is_wanted(folders, tmp_path, capsys) -> None:
    data = ["--content", str(folders / "content"), "--style", str(folders / "style")]
    assert main([str(tmp_path / "run"), *data]) == 1
    assert "weights fetch vgg19" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", ["student", "paper"])
def test_pictures_that_are_held_out_are_judged_and_not_learnt_from(
    recipe, folders, teacher, tmp_path
) -> None:
    options = options_for(folders, recipe=recipe, held_out=0.5)
    data = PairDataset(options.content, options.style, batch=4, crop=32, held_out=0.5)
    held = data.of_held_out()
    for kind in ("contents", "styles"):
        learnt, judged = getattr(data, kind), getattr(held, kind)
        assert learnt and judged and not set(learnt) & set(judged)
        assert sorted(learnt + judged) == list_pictures(folders / kind.removesuffix("s"))
    run(options, tmp_path, teacher, sheet_every=3)
    rows = list(csv.DictReader((tmp_path / "held-out.csv").open()))
    assert [row["step"] for row in rows] == ["3", "6"]
    assert all(float(row["content"]) > 0 and float(row["style"]) > 0 for row in rows)


def test_a_few_pictures_are_all_learnt_from(folders, teacher, tmp_path) -> None:
    assert (
        PairDataset(folders / "content", folders / "style", batch=1, crop=32).of_held_out() is None
    )
    run(options_for(folders), tmp_path, teacher)
    assert not (tmp_path / "held-out.csv").exists()
