"""What a Connect-4 network thinks of a position, asked through the engine."""

from dataclasses import dataclass

from fourcast_models.connect4.board import Board
from fourcast_models.connect4.codec import BOARD, POLICY, VALUE, encode
from fourcast_models.repository import ModelConfig
from fourcast_services.engine import Engine
from fourcast_services.errors import FieldError

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


def ask_network(engine: Engine, board: Board, model: str, version: str) -> Opinion:
    """A network's opinion of a position.

    Args:
        engine: Runs the model.
        board: A position with at least one legal move.
        model: The model's name, "" for `DEFAULT_MODEL`.
        version: A whole number, "" for the one that serves by default.

    Raises:
        UnknownModelError: If there is no such model.
        UnknownVersionError: If it has no such version.
        FieldError: If the model is none for Connect-4.
    """
    name = model or DEFAULT_MODEL
    _check_tensors(engine.config(name))
    inference = engine.infer(name, {BOARD.name: encode([board])}, version)
    win, draw, loss = inference.outputs[VALUE.name][0].tolist()
    return Opinion(
        policy=tuple(inference.outputs[POLICY.name][0].tolist()),
        win=win,
        draw=draw,
        loss=loss,
        model=name,
        version=inference.version,
    )


def _check_tensors(config: ModelConfig) -> None:
    if (config.inputs, config.outputs) != ((BOARD,), (POLICY, VALUE)) or not config.max_batch_size:
        raise FieldError(
            "model",
            f"{config.name!r} is no Connect-4 model: those take 'board' and give 'policy' and "
            "'value' (see the card of 'connect4')",
        )
