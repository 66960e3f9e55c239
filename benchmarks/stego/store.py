"""What was measured so far, in a file that grows, so that a killed run goes on where it was."""

import json
import shutil
from pathlib import Path
from typing import Any


class OtherRunError(Exception):
    """The folder holds a run with other settings."""


class Store:
    """Records by key; each is on disk before the next is measured."""

    def __init__(self, folder: Path, settings: dict[str, Any], *, fresh: bool) -> None:
        """Open it.

        Args:
            folder: Where everything is written; made if missing.
            settings: Of this run.
            fresh: Discard what an earlier run left.

        Raises:
            OtherRunError: If the folder holds a run with other settings.
        """
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "settings.json"
        text = json.dumps(settings, indent=1, sort_keys=True)
        if file.exists() and file.read_text() != text:
            raise OtherRunError(
                f"{folder} holds a run with other settings or pictures: name another folder with "
                "--out, or discard that run with --fresh"
            )
        file.write_text(text)
        self._file = folder / "records.jsonl"
        self._records: dict[str, Any] = {}
        whole = 0
        if self._file.exists():
            for line in self._file.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break  # a kill came in between
                key, record = json.loads(line)
                self._records[key] = record
                whole += len(line)
            with self._file.open("rb+") as stream:
                stream.truncate(whole)

    def __contains__(self, key: str) -> bool:
        """Whether it was measured."""
        return key in self._records

    def __getitem__(self, key: str) -> Any:
        """What was measured."""
        return self._records[key]

    def add(self, key: str, record: Any) -> None:
        """Keep a record."""
        with self._file.open("a") as stream:
            stream.write(json.dumps([key, record]) + "\n")
        self._records[key] = record
