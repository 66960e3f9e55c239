"""What a server is started with: the flags of `fourcast-serve` and their documentation."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import EnumChoicesFromValues, FlagCreatePairsOff, arg

from fourcast_services.engine import Device

MAX_SLOTS = 64
MAX_TABLE_MEBIBYTES = 1 << 16


def _default_slots() -> int:
    return min(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """The flags of `fourcast-serve`; each one's text below is its help."""

    models: Annotated[
        Path | None,
        arg(metavar="DIR", help_behavior_hint="(default: of this checkout or installation)"),
    ] = None
    """Model repository: a folder of <model>/config.pbtxt and <model>/<version>/model.onnx."""

    host: Annotated[str, arg(metavar="HOST")] = "127.0.0.1"
    """Address to listen on. Callers are not asked who they are: open it to others with care."""

    port: Annotated[int, arg(metavar="PORT")] = 50051
    """Port to listen on; 0 takes a free one."""

    device: Annotated[Device, EnumChoicesFromValues] = Device.AUTO
    """What runs the models; auto: a GPU if one serves, the log says which; cuda: a GPU only."""

    solver_slots: Annotated[int, arg(metavar="N")] = field(default_factory=_default_slots)
    """How many exact Connect-4 searches run at once; further ones wait, and then are refused."""

    table_mebibytes: Annotated[int, arg(metavar="MIB")] = 128
    """Memory for what each exact search remembers, a power of two, taken when first needed."""

    exit_with_parent: Annotated[bool, FlagCreatePairsOff] = False
    """Stop when standard input ends: a program that starts this one never leaves it behind."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: If one is; the text names the flag.
        """
        for flag, value, low, high in (
            ("--port", self.port, 0, 65535),
            ("--solver-slots", self.solver_slots, 1, MAX_SLOTS),
            ("--table-mebibytes", self.table_mebibytes, 1, MAX_TABLE_MEBIBYTES),
        ):
            if not low <= value <= high:
                raise ValueError(f"{flag} is {value}, but must be {low} to {high}")
        if self.table_mebibytes & (self.table_mebibytes - 1):
            raise ValueError(
                f"--table-mebibytes is {self.table_mebibytes}, but must be a power of two: 64, 128"
            )
