"""What a Connect-4 network thinks of a position, asked of whatever runs it."""

from dataclasses import dataclass

from fourcast_models.connect4.board import Board
from fourcast_models.connect4.codec import BOARD, POLICY, VALUE, encode
from fourcast_services.engine.errors import InputError, UnknownModelError
from fourcast_services.errors import BackendError, FieldError
from fourcast_services.inference_backend import InferenceBackend
from fourcast_services.overload import QueueFullError

DEFAULT_MODEL = "connect4"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a network answered.

    Attributes:
        policy: A probability for each of the seven columns, 0 for full ones.
        win: Probability that the side to move wins.
        draw: Probability of a draw.
        loss: Probability that the side to move loses.
        model: The model's name.
        version: Its version.
    """

    policy: tuple[float, ...]
    win: float
    draw: float
    loss: float
    model: str
    version: str


async def ask_network_if_any(
    backend: InferenceBackend, board: Board, model: str, version: str
) -> Opinion | None:
    """Like `ask_network`, but None if no model is named and the default one cannot be asked."""
    try:
        return await ask_network(backend, board, model, version)
    except (UnknownModelError, BackendError, QueueFullError):
        if model:
            raise
        return None


async def ask_network(backend: InferenceBackend, board: Board, model: str, version: str) -> Opinion:
    """A network's opinion of a position.

    Args:
        backend: Runs the model.
        board: A position with at least one legal move.
        model: The model's name, "" for `DEFAULT_MODEL`.
        version: A whole number, "" for the one that serves by default.

    Raises:
        UnknownModelError: If there is no such model.
        UnknownVersionError: If it has no such version.
        FieldError: If the model is none for Connect-4.
    """
    name = model or DEFAULT_MODEL
    try:
        inference = await backend.infer(name, {BOARD.name: encode([board])}, version)
    except InputError:
        raise _no_connect4_model(name) from None
    for spec in (POLICY, VALUE):
        answer = inference.outputs.get(spec.name)
        if answer is None or (answer.dtype, answer.shape) != (spec.dtype, (1, *spec.dims)):
            raise _no_connect4_model(name)
    win, draw, loss = inference.outputs[VALUE.name][0].tolist()
    return Opinion(
        policy=tuple(inference.outputs[POLICY.name][0].tolist()),
        win=win,
        draw=draw,
        loss=loss,
        model=name,
        version=inference.version,
    )


def _no_connect4_model(name: str) -> FieldError:
    return FieldError(
        "model",
        f"{name!r} is no Connect-4 model: those take 'board' and give 'policy' and 'value' "
        "(see the card of 'connect4')",
    )
