"""Runs the models of a repository; nothing outside this package imports onnxruntime.

One door: make an `Engine` for a repository and a device, `start` it, then `infer`.
"""

from fourcast_services.engine.engine import Engine
from fourcast_services.engine.errors import (
    InputError,
    ModelRefusedError,
    UnknownModelError,
    UnknownVersionError,
)
from fourcast_services.engine.statistics import Statistics
from fourcast_services.engine.version_state import UNLOADED, State, VersionState

__all__ = [
    "UNLOADED",
    "Engine",
    "InputError",
    "ModelRefusedError",
    "State",
    "Statistics",
    "UnknownModelError",
    "UnknownVersionError",
    "VersionState",
]
