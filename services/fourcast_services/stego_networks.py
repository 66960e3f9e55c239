"""The steganography networks as functions for a thread, run by whatever runs models."""

import asyncio
import threading

import numpy as np
import numpy.typing as npt

from fourcast_models.model_config import Arrays, TensorSpec
from fourcast_models.stego.codec import IMAGE, STEGO, STRENGTH, Pixels, Profile
from fourcast_models.stego.hide import Networks
from fourcast_services.engine.errors import InputError
from fourcast_services.inference_backend import Inference, InferenceBackend


class WrongNetworkError(Exception):
    """A model has the name of a steganography network, but not its tensors."""


class StegoNetworks:
    """The networks for one call. They are asked from its thread, which waits for the answers.

    Attributes:
        versions: The version of each model that has answered, by name.
    """

    def __init__(self, backend: InferenceBackend) -> None:
        """Prepare; to be called on the event loop.

        Args:
            backend: Runs the networks.
        """
        self.versions: dict[str, str] = {}
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()

    def of(self, profile: Profile) -> Networks:
        """The two networks of a profile."""

        def encode(
            tiles: Pixels, message: npt.NDArray[np.uint8], strength: npt.NDArray[np.float32]
        ) -> npt.NDArray[np.float32]:
            inputs: Arrays = {
                IMAGE.name: tiles,
                profile.message.name: message,
                STRENGTH.name: strength,
            }
            return self._ask(profile.encoder, inputs, STEGO)

        def decode(tiles: Pixels) -> npt.NDArray[np.float32]:
            return self._ask(profile.decoder, {IMAGE.name: tiles}, profile.probabilities)

        return Networks(encode, decode)

    def stop(self) -> None:
        """Nobody waits for the result any more: the thread ends at its next question."""
        self._stopped.set()

    def _ask(self, model: str, inputs: Arrays, answer: TensorSpec) -> npt.NDArray[np.float32]:
        if self._stopped.is_set():
            raise asyncio.CancelledError
        # The version that answered first answers on, so that one call never mixes two.
        version = self.versions.get(model, "")
        asked = asyncio.run_coroutine_threadsafe(self._infer(model, inputs, version), self._loop)
        inference = asked.result()
        self.versions[model] = inference.version
        array = inference.outputs.get(answer.name)
        if array is None or array.dtype != answer.dtype or array.shape[1:] != answer.dims:
            raise WrongNetworkError(f"{model!r} gives no {answer.name!r} of {answer.dims}")
        return array

    async def _infer(self, model: str, inputs: Arrays, version: str) -> Inference:
        try:
            return await self._backend.infer(model, inputs, version)
        except InputError as error:
            raise WrongNetworkError(f"{model!r} is no steganography network: {error}") from None
