"""The networks of both profiles, from a model repository."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from fourcast_models.repository import read_model
from fourcast_models.stego.codec import IMAGE, PROFILES, STRENGTH, Profile
from fourcast_models.stego.hide import Networks


def published_networks(models: Path) -> Mapping[Profile, Networks]:
    """The newest version of each, on one thread, as the service runs them.

    Raises:
        RepositoryError: If one is missing.
    """
    return {profile: _networks(models, profile) for profile in PROFILES.values()}


def descriptions(models: Path) -> list[str]:
    """Name, version and, where it is stamped, the command that made each.

    Raises:
        RepositoryError: If one is missing.
    """
    lines = []
    for profile in PROFILES.values():
        for name in (profile.encoder, profile.decoder):
            file = _weights(models, name)
            stamp = _session(file).get_modelmeta().custom_metadata_map
            lines.append(f"{name} version {file.parent.name}: {stamp.get('command', 'no stamp')}")
    return lines


def _networks(models: Path, profile: Profile) -> Networks:
    encoder = _session(_weights(models, profile.encoder))
    decoder = _session(_weights(models, profile.decoder))

    def encode(
        image: npt.NDArray[np.uint8],
        message: npt.NDArray[np.uint8],
        strength: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        inputs = {IMAGE.name: image, profile.message.name: message, STRENGTH.name: strength}
        return np.asarray(encoder.run(None, inputs)[0])

    def decode(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.asarray(decoder.run(None, {IMAGE.name: image})[0])

    return Networks(encode, decode)


def _weights(models: Path, name: str) -> Path:
    model = read_model(models, name)
    return model.weights(model.versions[0])


def _session(weights: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
