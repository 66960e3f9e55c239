"""A device as onnxruntime's execution providers."""

import logging
import sys
from contextlib import redirect_stdout

import onnxruntime

from fourcast_services.device import Device, DeviceError

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"

Provider = tuple[str, dict[str, str]]
"""A provider's name and its options, as an onnxruntime session takes them."""

_log = logging.getLogger(__name__)


def choose_providers(device: Device) -> list[Provider]:
    """The providers that a session should try, best first.

    Raises:
        DeviceError: If a GPU is asked for and the installed onnxruntime has no CUDA.
    """
    # TF32 would round convolutions to ten bits, which the golden outputs do not forgive.
    cuda: Provider = (CUDA_PROVIDER, {"use_tf32": "0"})
    cpu: Provider = (CPU_PROVIDER, {})
    available = CUDA_PROVIDER in onnxruntime.get_available_providers()
    if device is Device.CUDA and not available:
        raise DeviceError(
            "device 'cuda' cannot serve: the installed onnxruntime has no CUDA; install "
            "'fourcast[serve-gpu]' in place of 'fourcast[serve]', or choose --device cpu"
        )
    if not available or device is Device.CPU:
        return [cpu]
    # The libraries come as packages beside onnxruntime's, where the system's loader does not look.
    # What is missing it says on standard output, which is not for that.
    with redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()
    return [cuda, cpu]


def check_provider(device: Device, wanted: list[Provider], serving: str) -> None:
    """Refuse a fall-back to the CPU, or say it loudly where it is allowed.

    Args:
        device: What was asked for.
        wanted: The providers that the session was to try, best first.
        serving: The provider that a session really got.

    Raises:
        DeviceError: If a GPU was asked for and another provider serves.
    """
    if device is Device.CUDA and serving != CUDA_PROVIDER:
        raise DeviceError(
            f"device 'cuda' cannot serve: onnxruntime fell back to {serving}; its log names the "
            "missing driver or library; mend that, or choose --device cpu"
        )
    if wanted[0][0] != serving:
        _log.warning("%s cannot serve, its errors above say why; using %s", wanted[0][0], serving)
