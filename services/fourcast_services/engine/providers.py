"""A device as onnxruntime's execution providers."""

import onnxruntime

from fourcast_services.device import Device, DeviceError

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"

Provider = tuple[str, dict[str, str]]
"""A provider's name and its options, as an onnxruntime session takes them."""


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
    return [cuda, cpu] if available and device is not Device.CPU else [cpu]


def check_provider(device: Device, serving: str) -> None:
    """Refuse a silent fall-back to the CPU.

    Args:
        device: What was asked for.
        serving: The provider that a session really got.

    Raises:
        DeviceError: If a GPU was asked for and another provider serves.
    """
    if device is Device.CUDA and serving != CUDA_PROVIDER:
        raise DeviceError(
            f"device 'cuda' cannot serve: onnxruntime fell back to {serving}; its log names the "
            "missing driver or library; mend that, or choose --device cpu"
        )
