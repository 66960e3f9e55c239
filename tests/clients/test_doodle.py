"""The typed client's calls for finished drawings, against a real service."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from PIL import Image

from fourcast_clients.api import Cancellation, Fourcast, FourcastError, Guesses
from fourcast_models.doodle.codec import CATEGORIES, top_k
from fourcast_models.doodle.images import bitmap_of
from fourcast_models.doodle.strokes import draw, draw_raster, prepare
from tests.clients.drawings import DOT, HOOK, LINE, picture
from tests.services.running import run_server
from tests.services.small_doodle import weights


def check(answer: Guesses, model: bytes, tensor: str, image: npt.NDArray[np.uint8]) -> None:
    """The answer is what the model says of the image, by ONNX's own evaluator."""
    (rows,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {tensor: image[None]})
    expected = top_k(np.asarray(rows)[0], len(answer.guesses))
    assert [guess.category for guess in answer.guesses] == [guess.category for guess in expected]
    probabilities = [guess.probability for guess in answer.guesses]
    assert probabilities == pytest.approx([guess.probability for guess in expected], abs=1e-4)
    assert answer.model_version == "1"


def test_strokes_go_to_the_network_that_knows_them(doodles: Fourcast) -> None:
    answer = doodles.doodle.classify(drawing=[LINE, HOOK])
    assert answer.model == "doodle_strokes"
    assert len(answer.guesses) == 5
    check(answer, weights("raster", seed=2), "raster", draw_raster(prepare([LINE, HOOK])))


def test_a_picture_goes_to_the_network_for_pictures(doodles: Fourcast, tmp_path: Path) -> None:
    file = tmp_path / "drawing"
    file.write_bytes(picture(LINE, HOOK))
    answer = doodles.doodle.classify(image=file.read_bytes(), top_k=3)
    assert answer.model == "doodle"
    assert len(answer.guesses) == 3
    check(answer, weights("bitmap", seed=1), "bitmap", bitmap_of(Image.open(file)))


def test_a_model_can_be_chosen(doodles: Fourcast) -> None:
    answer = doodles.doodle.classify(drawing=[DOT], model="doodle", model_version="1")
    assert answer.model == "doodle"
    check(answer, weights("bitmap", seed=1), "bitmap", draw(prepare([DOT])))


def test_strokes_in_other_types(doodles: Fourcast) -> None:
    expected = doodles.doodle.classify(drawing=[LINE, HOOK])
    for drawing in (
        [np.array(LINE), np.array(HOOK, dtype=np.float32)],
        (iter(points) for points in (LINE, HOOK)),
        [[[x, y] for x, y in points] for points in (LINE, HOOK)],
    ):
        assert doodles.doodle.classify(drawing=drawing) == expected


def test_all_categories_have_a_probability(doodles: Fourcast) -> None:
    names = doodles.doodle.categories()
    assert names == CATEGORIES
    answer = doodles.doodle.classify(drawing=[HOOK], top_k=len(names))
    assert sorted(guess.category for guess in answer.guesses) == sorted(names)
    assert sum(guess.probability for guess in answer.guesses) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one"),
        ({"drawing": [LINE], "image": b"GIF"}, "exactly one"),
        ({"drawing": [LINE], "top_k": 0}, "top_k is 0"),
        ({"drawing": [LINE, [(1, 2), (3,)]]}, r"stroke 2, point 2 is \(3,\)"),
        ({"drawing": [[(1, 2, 3)]]}, r"stroke 1, point 1 is \(1, 2, 3\)"),
        ({"drawing": [["xy"]]}, "stroke 1, point 1 is 'xy'"),
        ({"drawing": [[7]]}, "stroke 1, point 1 is 7"),
    ],
)
def test_what_cannot_be_sent(doodles: Fourcast, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        doodles.doodle.classify(**arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        ({"drawing": []}, "INVALID_ARGUMENT", "drawing"),
        ({"drawing": [[(float("nan"), 0)]]}, "INVALID_ARGUMENT", "drawing"),
        ({"drawing": [[(1e300, 0)]]}, "INVALID_ARGUMENT", "drawing"),
        ({"image": b""}, "INVALID_ARGUMENT", "image"),
        ({"image": picture()}, "INVALID_ARGUMENT", "image"),
        ({"drawing": [LINE], "top_k": 346}, "INVALID_ARGUMENT", "top_k"),
        ({"image": picture(LINE), "model": "doodle_strokes"}, "INVALID_ARGUMENT", "model"),
        ({"drawing": [LINE], "model": "nonesuch"}, "NOT_FOUND", None),
        ({"drawing": [LINE], "model": "doodle", "model_version": "9"}, "NOT_FOUND", None),
    ],
)
def test_what_the_server_refuses(
    doodles: Fourcast, arguments: dict[str, Any], code: str, field: str | None
) -> None:
    with pytest.raises(FourcastError) as caught:
        doodles.doodle.classify(**arguments)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert not caught.value.is_passing
    assert not caught.value.reason.startswith(f"{field}: ")


def test_a_request_beyond_the_servers_bound_is_not_tried_again(doodle_repository: Path) -> None:
    with (
        run_server(doodle_repository, "--max-message-mebibytes", "1") as server,
        Fourcast(server.address) as client,
    ):
        with pytest.raises(FourcastError, match="does not take that much") as caught:
            client.doodle.classify(image=bytes(1 << 20))
        assert not caught.value.is_passing
        assert client.doodle.classify(drawing=[LINE]).guesses


def test_a_call_can_be_cancelled(doodles: Fourcast) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    for call in (
        lambda: doodles.doodle.classify(drawing=[LINE], cancellation=cancellation),
        lambda: doodles.doodle.categories(cancellation=cancellation),
    ):
        with pytest.raises(FourcastError) as caught:
            call()
        assert caught.value.code == "CANCELLED"
