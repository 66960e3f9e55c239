"""`fourcast-train forecast` from the command to a model in the repository, and the controls."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.repository import read_model
from fourcast_models.sequence.codec import MEDIAN, Tensors
from fourcast_models.sequence.prices_file import write_series
from fourcast_training.export import open_onnx, stamp_of
from fourcast_training.sequence.controls import NETWORKS, ControlConfig, control
from fourcast_training.sequence.controls import main as controls_main
from fourcast_training.sequence.generated import Process, generate
from fourcast_training.sequence.learned import LearnConfig, learn
from fourcast_training.sequence.presets import PRESETS, chosen_preset
from fourcast_training.sequence.train import evaluate_published, main
from fourcast_training.sequence.walk_forward import ProtocolConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forecast")


def options(folder: Path, name: str) -> list[str]:
    return shlex.split(
        f"--model {name} --smoke --folder {folder / name} --tests {folder / name / 'tests'} "
        f"--repository {folder / 'repository'} "
        "--protocol.days 130 --protocol.refit 65"
    )


@pytest.fixture(scope="module")
def published(folder: Path) -> str:
    """One network alone: an export takes seconds, and each compares itself with torch anyway."""
    main(options(folder, "lstm"))
    return "lstm"


def test_a_published_model_forecasts_from_raw_closes(published: str, folder: Path) -> None:
    model = read_model(folder / "repository", f"forecast_{published}")
    run = open_onnx(model.weights(1))
    tensors = Tensors(window=31, horizon=3)
    assert model.config.inputs == tensors.inputs
    assert model.config.outputs == tensors.outputs
    series = generate("random_walk", 200, seed=3)
    for scale in (1e-9, 1.0, 60_000.0, 1e12):
        scaled = replace(series, closes=series.closes * scale)
        answer = run(tensors.encode(scaled, np.array([len(series) - 1])))
        assert answer["prices"].shape == (1, 3, 7)
        assert (np.diff(answer["prices"], axis=2) > 0).all()
        median = answer["prices"][0, :, MEDIAN] / (series.closes[-1] * scale)
        assert median == pytest.approx(1.0, abs=0.02)
        assert answer["volatility"] == pytest.approx(0.03, rel=0.6)


def test_its_card_says_what_was_found(published: str, folder: Path) -> None:
    card = (folder / "repository" / f"forecast_{published}" / "README.md").read_text()
    assert f"{published} (seed 0) is as good as repeating the last price (p = " in card
    for row in ("naive", "always up", "drift", "ets", "garch", "har", published):
        assert f"\n| {row} |" in card
    assert f"fourcast-train forecast --model {published} --smoke" in card
    assert "{" not in card
    for picture in ("fan", "coverage", "volatility"):
        file = folder / published / f"garch-0-{picture}.png"
        assert file.read_bytes().startswith(b"\x89PNG")
    stamp = stamp_of(read_model(folder / "repository", f"forecast_{published}").weights(1))
    assert '"garch-0.error_ratio"' in stamp["metrics"]


def test_it_is_measured_on_days_it_never_saw(
    published: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(
        chosen_preset(["--model", published, "--smoke"]), repository=folder / "repository"
    )
    (report,) = evaluate_published(config)
    assert "trained up to 2016-08-22; measured on the 99 days after it" in capsys.readouterr().out
    assert report.scores[published, 0].days == 99
    trained = generate(config.process, config.days - config.hold_out, seed=0)
    assert str(trained.days[-1]) == "2016-08-22"
    with pytest.raises(ValueError, match="give a series with at least 91 days after that"):
        evaluate_published(replace(config, days=650))


def test_a_second_run_does_nothing_twice(
    published: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    backtests = sorted((folder / published / "tests").glob("garch-0-*/*.npz"))
    assert len(backtests) == 6
    before = [file.stat().st_mtime_ns for file in backtests]
    main([*options(folder, published), "--no-publish"])
    assert [file.stat().st_mtime_ns for file in backtests] == before
    assert "is as good as repeating the last price" in capfd.readouterr().out


def test_prices_from_files_are_forecast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One network for both, which says what it found on each."""
    files = []
    for seed, name in ((4, "mine"), (5, "yours")):
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_bytes(write_series(generate("seasonal", 700, seed=seed)))
    main([*options(tmp_path, "mlp"), "--data", *map(str, files), "--no-publish"])
    printed = capsys.readouterr().out
    assert "over 130 days of mine." in printed
    assert "over 130 days of yours." in printed
    assert not (tmp_path / "repository").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--days 300", "garch-0 has 300 days: a test of 130 days .* need a series of at least"),
        ("--hold-out -5", "-5 held out"),
        ("--data missing.csv", "missing.csv"),
        ("--learn.net.window 20", "window is 20: it must be at least 31"),
        ("--learn.net.horizon 31", "horizon is 31: it can be 1 to 30"),
    ],
)
def test_wrong_options_fail_before_the_work(tmp_path: Path, arguments: str, words: str) -> None:
    with pytest.raises((ValueError, OSError), match=words):
        main([*options(tmp_path, "lstm"), *shlex.split(arguments)])
    assert list(tmp_path.iterdir()) == []


def test_there_is_a_preset_for_each_network() -> None:
    assert set(PRESETS) == {"har", *NETWORKS}
    for name, config in PRESETS.items():
        assert (config.model, config.name) == (name, f"forecast_{name}")
        assert chosen_preset(["--model", name]) == config
        small = chosen_preset(["--model", name, "--smoke"])
        assert small.learn.net.cells == config.learn.net.cells
        assert small.folder != config.folder


def test_a_network_that_finds_nothing_says_nothing(tmp_path: Path) -> None:
    """On days that do not continue what it learnt, the untrained network is kept."""
    series = generate("autoregression", 900, seed=0)
    # The newest part runs the other way round: what was learnt is wrong there.
    turned = np.concatenate([series.log_returns[:730], -1.0 * series.log_returns[730:]])
    turned[731::2] *= -1
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(turned)]))
    config = LearnConfig(net=replace(PRESETS["mlp"].learn.net, horizon=1))
    network, progress = learn([replace(series, closes=closes)], config, 0, tmp_path)
    assert progress.best_score <= 0
    assert network.head is not None
    assert not network.head.weight.any()


@pytest.mark.parametrize(("other", "trust"), [("autoregression", 1.0), ("random_walk", 0.0)])
def test_of_several_series_each_must_bear_a_claim_out(
    other: Process, trust: float, tmp_path: Path
) -> None:
    """What helps on one alone is not said of any."""
    series = [generate("autoregression", 1500, seed=0), generate(other, 1500, seed=7)]
    config = LearnConfig(net=replace(PRESETS["mlp"].learn.net, horizon=1), validation=0.4)
    network, _ = learn(series, config, 0, tmp_path)
    assert network.trust.tolist() == [trust]


def outcomes(name: str, config: ControlConfig) -> Mapping[str, int]:
    found = [one.comparison.outcome for one in control(name, config)]
    return {what: found.count(what) for what in ("better than", "worse than", "as good as")}


@pytest.mark.parametrize("name", ["drift", "ets", "mlp", "lstm"])
def test_nothing_is_found_in_a_random_walk(name: str, tmp_path: Path) -> None:
    """A few of the 200 series of `fourcast-train forecast-controls`; one may be found by chance."""
    config = ControlConfig(
        series=6, days=500, protocol=ProtocolConfig(days=200, refit=0), folder=tmp_path
    )
    assert outcomes(name, config)["better than"] <= 1


@pytest.mark.parametrize("name", NETWORKS)
def test_everything_is_found_in_an_autoregression(name: str, tmp_path: Path) -> None:
    config = ControlConfig(
        process="autoregression",
        series=1,
        days=1500,
        protocol=ProtocolConfig(days=500, refit=0),
        folder=tmp_path,
    )
    (found,) = control(name, config)
    assert found.comparison.outcome == "better than"
    # The best forecast possible has a ratio of sqrt(1 - 0.25) = 0.87.
    assert 0.8 < found.ratio < 0.98


def test_the_controls_are_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    controls_main(
        shlex.split(f"--series 3 --models drift --days 300 --protocol.days 100 --folder {tmp_path}")
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "random_walk, 3 series of 300 days"
    assert lines[3].startswith("| drift | ")
    assert lines[-1] == "By chance alone 2.5% are found better."
