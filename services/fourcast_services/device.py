"""Which hardware runs the models."""

from enum import Enum


class DeviceError(Exception):
    """The device that was asked for cannot serve."""


class Device(Enum):
    """What to run on: `AUTO` is a GPU if one serves, otherwise the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
