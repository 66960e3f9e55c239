"""Runs the models of a repository; nothing outside this package imports onnxruntime.

One door: `Engine.load` a repository for a `Device`, then `Engine.infer`.
"""

from fourcast_services.engine.device import Device, DeviceError
from fourcast_services.engine.engine import (
    Engine,
    Inference,
    InputError,
    ModelRefusedError,
    UnknownModelError,
    UnknownVersionError,
)

__all__ = [
    "Device",
    "DeviceError",
    "Engine",
    "Inference",
    "InputError",
    "ModelRefusedError",
    "UnknownModelError",
    "UnknownVersionError",
]
