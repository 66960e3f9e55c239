"""What a doodle network says about a drawing, asked of the best one that the input allows."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.doodle.codec import BITMAP, PROBABILITIES, RASTER
from fourcast_models.doodle.images import bitmap_of, decode
from fourcast_models.doodle.strokes import DrawingError, Stroke, draw, draw_raster, prepare
from fourcast_models.model_config import TensorSpec
from fourcast_services.engine.errors import InputError, UnknownModelError
from fourcast_services.errors import FieldError
from fourcast_services.inference_backend import Inference, InferenceBackend

DEFAULT_MODELS = {RASTER.name: ("doodle_strokes",), BITMAP.name: ("doodle", "doodle_small")}
"""Who is asked unless the caller names a model, by what the input can be drawn as; the best first.
A little computer may have the last one alone."""

_Painter = Callable[[], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing that can be brought to the form of some network.

    Attributes:
        field: Where it stands in the request, for errors.
        painters: What draws each form that is possible, the best one first.
        images: Whether it is a picture, which takes much longer than strokes.
    """

    field: str
    painters: Mapping[TensorSpec, _Painter]
    images: bool


def strokes_sketch(strokes: Sequence[Stroke], field: str) -> Sketch:
    """A drawing of which the strokes are known."""
    painters: dict[TensorSpec, _Painter] = {
        RASTER: lambda: draw_raster(prepare(strokes)),
        BITMAP: lambda: draw(prepare(strokes)),
    }
    return Sketch(field, painters, images=False)


def image_sketch(data: bytes, max_pixels: int) -> Sketch:
    """A drawing in a file of pixels."""
    return Sketch("image", {BITMAP: lambda: bitmap_of(decode(data, max_pixels))}, images=True)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a network answered.

    Attributes:
        probabilities: Of each category, float32 [345].
        model: The model's name.
        version: Its version.
    """

    probabilities: npt.NDArray[np.float32]
    model: str
    version: str


class DoodleNetworks:
    """Draws what a network reads, and asks it."""

    def __init__(self, backend: InferenceBackend) -> None:
        self._backend = backend
        # Not on the event loop, which a long drawing would stop. Pictures have a thread of their
        # own, so that drawings never wait for them. Both are idle, and end, when the process does.
        self._strokes = ThreadPoolExecutor(1, thread_name_prefix="strokes")
        self._images = ThreadPoolExecutor(1, thread_name_prefix="images")

    async def ask(self, sketch: Sketch, model: str, version: str) -> Opinion:
        """What a network says.

        Args:
            sketch: The drawing.
            model: Its name, "" for the best one in the repository that can read the drawing.
            version: A whole number, "" for the one that serves by default.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If it has no such version.
            FieldError: If there is nothing to draw, or the model is none that reads this drawing.
        """
        error: Exception | None = None
        for spec, painter in sketch.painters.items():
            picture = await self._paint(sketch, painter)
            for name in (model,) if model else DEFAULT_MODELS[spec.name]:
                try:
                    inference = await self._backend.infer(name, {spec.name: picture[None]}, version)
                except UnknownModelError as unknown:
                    error = error or unknown
                except InputError:
                    error = _no_doodle_model(name, sketch)
                else:
                    return Opinion(_probabilities(inference, name, sketch), name, inference.version)
        assert error is not None  # every sketch has a painter
        raise error

    async def _paint(self, sketch: Sketch, painter: _Painter) -> npt.NDArray[np.uint8]:
        executor = self._images if sketch.images else self._strokes
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, painter)
        except DrawingError as error:
            raise FieldError(sketch.field, str(error)) from None


def _probabilities(inference: Inference, name: str, sketch: Sketch) -> npt.NDArray[np.float32]:
    answer = inference.outputs.get(PROBABILITIES.name)
    expected = (PROBABILITIES.dtype, (1, *PROBABILITIES.dims))
    if answer is None or (answer.dtype, answer.shape) != expected:
        raise _no_doodle_model(name, sketch)
    probabilities: npt.NDArray[np.float32] = answer[0]
    return probabilities


def _no_doodle_model(name: str, sketch: Sketch) -> FieldError:
    readable = " or ".join(repr(spec.name) for spec in sketch.painters)
    return FieldError(
        "model",
        f"{name!r} is no model for this {'image' if sketch.images else 'drawing'}: those take "
        f"{readable} and give {PROBABILITIES.name!r} (see the card of 'doodle')",
    )
