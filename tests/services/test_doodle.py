"""Classify and ListCategories over gRPC, against what the models shelf draws in-process."""

import io
import math
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from PIL import Image, ImageDraw

from fourcast.doodle.v1 import doodle_pb2 as wire
from fourcast.doodle.v1 import doodle_pb2_grpc
from fourcast_models.doodle.codec import BITMAP, CATEGORIES, RASTER
from fourcast_models.doodle.images import bitmap_of, decode
from fourcast_models.doodle.strokes import MAX_POINTS, draw, draw_raster, prepare
from fourcast_models.repository import read_model
from tests.services.running import run_server
from tests.services.small_doodle import publish_small_doodle
from tests.services.small_model import publish_small_model
from tests.services.status import failure

Doodle = doodle_pb2_grpc.DoodleServiceStub
Points = list[tuple[float, float]]

HOUSE: list[Points] = [
    [(20, 60), (20, 120), (100, 120), (100, 60)],
    [(10, 65), (60, 20), (110, 65)],
    [(50, 120), (50, 90), (70, 90), (70, 120)],
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with both doodle models, a second bitmap model, and one for something else."""
    folder = tmp_path_factory.mktemp("doodles")
    publish_small_doodle(folder, "doodle", "bitmap", 1, seed=1)
    publish_small_doodle(folder, "doodle", "bitmap", 2, seed=2)
    publish_small_doodle(folder, "doodle_small", "bitmap", seed=3)
    publish_small_doodle(folder, "doodle_strokes", "raster", seed=4)
    publish_small_model(folder)
    return folder


@pytest.fixture(scope="module")
def doodle(models: Path) -> Iterator[Doodle]:
    with run_server(models) as server, grpc.insecure_channel(server.address) as channel:
        yield Doodle(channel)
        assert "Traceback" not in server.log()


def drawing(strokes: list[Points]) -> wire.Drawing:
    return wire.Drawing(
        strokes=[
            wire.Stroke(x=[x for x, _ in points], y=[y for _, y in points]) for points in strokes
        ]
    )


def image(strokes: list[Points], form: str = "PNG") -> bytes:
    """A screenshot of a drawing, dark on light."""
    picture = Image.new("L", (300, 200), 250)
    canvas = ImageDraw.Draw(picture)
    for points in strokes:
        canvas.line([(x + 90, y + 30) for x, y in points], fill=20, width=5)
    content = io.BytesIO()
    picture.save(content, form)
    return content.getvalue()


def expected(
    models: Path, name: str, version: int, picture: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """The probabilities that ONNX's own evaluator gives."""
    weights = read_model(models, name).weights(version)
    spec = RASTER if picture.shape == RASTER.dims else BITMAP
    (answers,) = ReferenceEvaluator(onnx.load(weights)).run(None, {spec.name: picture[None]})
    return np.array(answers[0], dtype=np.float32)


def assert_answer(
    models: Path, answer: wire.ClassifyResponse, model: str, picture: npt.NDArray[np.uint8]
) -> None:
    assert answer.model == model
    truth = expected(models, model, int(answer.model_version), picture)
    given = {guess.category: guess.probability for guess in answer.guesses}
    for category, probability in given.items():
        assert math.isclose(probability, truth[CATEGORIES.index(category)], abs_tol=1e-5)
    best = sorted(truth, reverse=True)[: len(given)]
    np.testing.assert_allclose([guess.probability for guess in answer.guesses], best, atol=1e-5)


def test_strokes_go_to_the_model_that_reads_their_order(doodle: Doodle, models: Path) -> None:
    answer = doodle.Classify(wire.ClassifyRequest(drawing=drawing(HOUSE)))
    assert len(answer.guesses) == 5
    assert_answer(models, answer, "doodle_strokes", draw_raster(prepare(HOUSE)))


def test_the_size_and_place_of_the_canvas_do_not_matter(doodle: Doodle) -> None:
    moved = [[(4 * x - 700, 4 * y + 40) for x, y in points] for points in HOUSE]
    answers = [
        doodle.Classify(wire.ClassifyRequest(drawing=drawing(strokes)))
        for strokes in (HOUSE, moved)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_an_image_goes_to_the_model_that_reads_bitmaps(
    doodle: Doodle, models: Path, form: str
) -> None:
    data = image(HOUSE, form)
    answer = doodle.Classify(wire.ClassifyRequest(image=data))
    assert answer.model_version == "2"
    assert_answer(models, answer, "doodle", bitmap_of(decode(data)))


@pytest.mark.parametrize(("model", "version"), [("doodle", "1"), ("doodle_small", "")])
def test_a_model_that_is_named_answers(
    doodle: Doodle, models: Path, model: str, version: str
) -> None:
    request = wire.ClassifyRequest(drawing=drawing(HOUSE), model=model, model_version=version)
    answer = doodle.Classify(request)
    assert answer.model_version == "1"
    assert_answer(models, answer, model, draw(prepare(HOUSE)))


@pytest.mark.parametrize("model", ["doodle", "doodle_small"])
def test_without_the_better_models_another_one_answers(tmp_path: Path, model: str) -> None:
    publish_small_doodle(tmp_path, model, "bitmap")
    data = image(HOUSE)
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        answer = Doodle(channel).Classify(wire.ClassifyRequest(drawing=drawing(HOUSE)))
        of_image = Doodle(channel).Classify(wire.ClassifyRequest(image=data))
    assert_answer(tmp_path, answer, model, draw(prepare(HOUSE)))
    assert_answer(tmp_path, of_image, model, bitmap_of(decode(data)))


def test_without_any_doodle_model_the_error_names_the_one_that_is_missing(tmp_path: Path) -> None:
    publish_small_model(tmp_path)
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        error = failure(
            lambda: Doodle(channel).Classify(wire.ClassifyRequest(drawing=drawing(HOUSE)))
        )
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert "'doodle_strokes'" in error.message


@pytest.mark.parametrize("count", [1, 17, 345])
def test_top_k(doodle: Doodle, count: int) -> None:
    answer = doodle.Classify(wire.ClassifyRequest(drawing=drawing(HOUSE), top_k=count))
    assert len({guess.category for guess in answer.guesses}) == count
    probabilities = [guess.probability for guess in answer.guesses]
    assert probabilities == sorted(probabilities, reverse=True)
    assert count < 345 or math.isclose(sum(probabilities), 1, abs_tol=1e-4)


def test_thousands_of_points_and_a_single_one_are_drawings(doodle: Doodle) -> None:
    angles = np.linspace(0, 60, MAX_POINTS)
    spiral = [(angle * math.cos(angle), angle * math.sin(angle)) for angle in angles]
    for points in (spiral, [(7.0, 7.0)]):
        assert doodle.Classify(wire.ClassifyRequest(drawing=drawing([points]))).guesses


def test_list_categories(doodle: Doodle) -> None:
    names = doodle.ListCategories(wire.ListCategoriesRequest()).categories
    assert tuple(names) == CATEGORIES


def request(**fields: object) -> wire.ClassifyRequest:
    return wire.ClassifyRequest(**fields)  # type: ignore[arg-type]  # a table of wrong requests


NAN = float("nan")
UNEVEN = wire.Drawing(strokes=[wire.Stroke(x=[1], y=[1]), wire.Stroke(x=[1, 2], y=[1])])


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        pytest.param(request(), "picture", "missing; set drawing", id="nothing"),
        pytest.param(
            request(drawing=wire.Drawing()), "drawing", "the drawing is empty", id="no-strokes"
        ),
        pytest.param(
            request(drawing=drawing([[], []])),
            "drawing",
            "the drawing is empty",
            id="empty-strokes",
        ),
        pytest.param(
            request(drawing=drawing([[(0, 0)], [(1, 1), (NAN, 2)]])),
            "drawing",
            "stroke 2, point 2",
            id="nan",
        ),
        pytest.param(
            request(drawing=drawing([[(math.inf, 0)]])), "drawing", "finite", id="infinite"
        ),
        pytest.param(request(drawing=UNEVEN), "drawing.strokes[1]", "2 x, but 1 y", id="uneven"),
        pytest.param(
            request(drawing=drawing([[(1, 1)] * (MAX_POINTS + 1)])),
            "drawing",
            "20001 points",
            id="too-long",
        ),
        pytest.param(request(image=b""), "image", "not a PNG, JPEG", id="no-bytes"),
        pytest.param(request(image=b"<svg/>"), "image", "not a PNG, JPEG", id="svg"),
        pytest.param(request(image=image(HOUSE)[:300]), "image", "damaged", id="cut-short"),
        pytest.param(request(image=image([])), "image", "the image is empty", id="blank"),
        pytest.param(request(drawing=drawing(HOUSE), top_k=346), "top_k", "346", id="top-k"),
        pytest.param(
            request(drawing=drawing(HOUSE), model_version="1"),
            "model_version",
            "needs a model",
            id="version-alone",
        ),
        pytest.param(
            request(drawing=drawing(HOUSE), model="connect4"),
            "model",
            "'raster' or 'bitmap'",
            id="other-model",
        ),
        pytest.param(
            request(image=image(HOUSE), model="doodle_strokes"),
            "model",
            "take 'bitmap'",
            id="strokes-model",
        ),
    ],
)
def test_wrong_requests_name_field_and_reason(
    doodle: Doodle, wrong: wire.ClassifyRequest, field: str, reason: str
) -> None:
    named, description = failure(lambda: doodle.Classify(wrong)).field_violation()
    assert named == field
    assert reason in description


@pytest.mark.parametrize(("model", "version"), [("painter", ""), ("doodle", "3")])
def test_unknown_models_and_versions_are_not_found(
    doodle: Doodle, model: str, version: str
) -> None:
    wrong = wire.ClassifyRequest(drawing=drawing(HOUSE), model=model, model_version=version)
    error = failure(lambda: doodle.Classify(wrong))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert repr(model) in error.message


def test_larger_images_than_allowed_are_not_unpacked(models: Path) -> None:
    bound = ("--max-image-pixels", str(300 * 200 - 1))
    with run_server(models, *bound) as server, grpc.insecure_channel(server.address) as channel:
        call = failure(lambda: Doodle(channel).Classify(wire.ClassifyRequest(image=image(HOUSE))))
    assert call.field_violation()[0] == "image"
    assert "300 x 200 pixels: at most 59,999" in call.message
