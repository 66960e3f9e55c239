"""The benchmark of steganography: it runs whole, goes on after a kill, and judges rightly."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.stego import qim
from benchmarks.stego.__main__ import Benchmark
from benchmarks.stego.changes import changes
from benchmarks.stego.footprint import Footprint
from benchmarks.stego.measure import EXACT, LOST, WRONG, Record, measure
from benchmarks.stego.methods import LostError, Method
from benchmarks.stego.pictures import PHOTOGRAPHS, load_pictures
from benchmarks.stego.results import Results, Summary
from benchmarks.stego.store import OtherRunError, Store
from benchmarks.stego.verdicts import verdicts
from fourcast_models.repository import RepositoryError
from fourcast_models.stego.codec import Pixels
from fourcast_models.stego.errors import NoMessageError
from fourcast_training.stego.textures import texture
from tests.services.small_stego import publish_small_stego

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*flags: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.stego", *map(str, flags)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six small ones."""
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(6):
        picture = texture(np.random.default_rng(number))[:128, :128]
        Image.fromarray(picture).save(folder / f"photograph{'abcdef'[number]}.png")
    return folder


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, photographs: Path
) -> tuple[list[object], Path, str]:
    """The flags of a quick run, its folder and its report."""
    folder = tmp_path_factory.mktemp("run")
    models = publish_small_stego(folder / "models")
    flags: list[object] = ["--quick", "--most", 1, "--without-peers", "--models", models]
    flags += ["--pictures", photographs, "--out", folder / "out"]
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    return flags, folder / "out", done.stdout


def test_the_quick_form_runs_whole(finished: tuple[list[object], Path, str]) -> None:
    _, out, report = finished
    assert (out / "report.md").read_text() == report
    assert (out / "exact.png").read_bytes().startswith(b"\x89PNG")
    for heading in (
        "Photographs: 1 pictures from 1",
        "Synthetic: 1",
        "Flat",
        "Saturated",
    ):
        assert f"## {heading}" in report
    assert re.search(r"\| exact after PNG, Pillow \| 100\.0% \| 100\.0% \| 100\.0% \|", report)
    assert re.search(r"\| exact after 10 % cropped \|  \| 0\.0% \|", report)
    assert re.search(r"^\| all 45 \|.* 0 \|$", report, re.MULTILINE)
    for status in ("FAILED_PRECONDITION", "DATA_LOSS", "UNAUTHENTICATED", "INVALID_ARGUMENT"):
        assert status in report
    assert "- MISSED: at least 200 photographs; measured 1" in report
    assert "- met: robust: 99% exact after JPEG q50 4:2:0, Pillow; measured 100.0%" in report
    assert "- met: capacity: 7,600 bytes that cannot be compressed; measured 7,607" in report
    memory = re.findall(
        r"^\| (?:capacity|robust), .* ([\d,]+) MiB \| yes \|$", report, re.MULTILINE
    )
    assert len(memory) == 4
    assert all(int(mebibytes) > 0 for mebibytes in memory)
    assert "undetectable" not in report


def test_a_stopped_run_goes_on(finished: tuple[list[object], Path, str], tmp_path: Path) -> None:
    flags, out, report = finished
    shutil.copytree(out, tmp_path / "out")
    records = tmp_path / "out" / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    # One record is missing, the one before it was being written when the kill came.
    records.write_bytes(b"".join(lines[:-2]) + lines[-2][:20])
    done = run(*flags[:-1], tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "2/2" in done.stderr
    figures = re.compile(r"[\d.,]+ (ms|MiB)|measured .*")
    assert figures.sub("", done.stdout) == figures.sub("", report)


def test_what_cannot_be_measured(photographs: Path, tmp_path: Path) -> None:
    models = publish_small_stego(tmp_path / "models")
    for wrong, error, words in (
        ({"pictures": Path("/nowhere")}, ValueError, "/nowhere: there is no such folder"),
        ({"models": Path("/nowhere")}, RepositoryError, "/nowhere"),
        ({"most": 0}, ValueError, "--most is 0"),
        ({"seed": -1}, ValueError, "--seed is -1"),
    ):
        flags: dict[str, Any] = {"models": models, "pictures": photographs, "out": tmp_path / "out"}
        with pytest.raises(error, match=words):
            Benchmark(**flags | wrong).run()


def test_another_run_in_the_folder_is_not_mixed_in(tmp_path: Path) -> None:
    Store(tmp_path, {"seed": 1}, fresh=False).add("part", [1, 2])
    assert Store(tmp_path, {"seed": 1}, fresh=False)["part"] == [1, 2]
    with pytest.raises(OtherRunError, match="--fresh"):
        Store(tmp_path, {"seed": 2}, fresh=False)
    assert "part" not in Store(tmp_path, {"seed": 2}, fresh=True)


def test_no_photograph_is_trained_and_measured_on(photographs: Path) -> None:
    pictures = load_pictures(photographs, most=100, seed=1)
    measured = {name.rpartition("@")[0] for name in pictures.sets[PHOTOGRAPHS].names}
    trained = {name.rpartition("@")[0] for name in pictures.training.names}
    assert measured
    assert trained
    assert not measured & trained
    assert pictures.photographs == len(measured)


def test_the_baseline_comes_back_and_is_not_seen_where_it_is_not() -> None:
    cover = texture(np.random.default_rng(1))
    text = "a text of the baseline's" * 8
    assert qim.reveal(qim.hide(cover, text)) == text
    with pytest.raises(NoMessageError):
        qim.reveal(cover)


def record_of(reveal: Callable[[Pixels, int], str]) -> Record:
    """What is measured of a method that hides nothing and reveals so."""
    method = Method("none", lambda *_: "text", lambda pixels, _: pixels, reveal)
    table = {name: change for name, change in changes(None).items() if change.is_core}
    return measure(method, "a", texture(np.random.default_rng(2)), table, seed=0)


def test_outcomes_are_told_apart() -> None:
    def lose(*_: object) -> str:
        raise LostError("lost")

    assert set(record_of(lambda *_: "text").outcomes.values()) == {EXACT}
    assert set(record_of(lambda *_: "another").outcomes.values()) == {WRONG}
    assert set(record_of(lose).outcomes.values()) == {LOST}


def judged(robust: Record, rejections: dict[str, int]) -> str:
    """The verdicts on ten thousand reveals and pictures that are all alike."""
    good = Record(7600, "", 48.0, 0.996, {"PNG, Pillow": EXACT})
    methods = {"capacity": good, "robust": robust, "robust-short": robust}
    quick = Footprint(hide_ms=30.0, reveal_ms=15.1, mebibytes=1.0, exact=True)
    results = Results(
        summaries={(PHOTOGRAPHS, key): Summary([one] * 200) for key, one in methods.items()},
        rejections={"clean": rejections},
        curves={},
        quick={"robust": quick},
        large={},
        large_side=8192,
    )
    return verdicts(results, changes(None))


def test_targets_are_judged() -> None:
    exact = Record(400, "", 43.0, 0.98, dict.fromkeys(changes(None), EXACT))
    text = judged(exact, {"FAILED_PRECONDITION": 10_000})
    assert [line for line in text.splitlines() if line.startswith("- MISSED")] == [
        "- MISSED: robust: reveal in 15 ms; measured 15.1"
    ]
    lost = Record(399, "", 41.0, 0.98, dict.fromkeys(changes(None), LOST) | {"noise 2.5": WRONG})
    text = judged(lost, {"INTERNAL": 9_999, "a wrong text": 1})
    for target in ("mean PSNR 42", "99% exact after noise", "no wrong text", "named"):
        assert re.search(rf"^- MISSED: .*{target}", text, re.MULTILINE), target
