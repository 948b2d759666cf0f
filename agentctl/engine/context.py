"""The build context of the agents' image, as one tar archive in a temporary file."""

import contextlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from agentctl import resources


@contextlib.contextmanager
def build_context(claude: Path | None) -> Iterator[IO[bytes]]:
    """Give the archive, at its start. Names, modes and times in it depend on contents alone."""
    with tempfile.TemporaryFile(prefix="agentctl-context-") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _add(archive, "Dockerfile", resources.dockerfile().read_bytes(), 0o644)
            _add(archive, "agentd.pyz", resources.agentd(), 0o644)
            if claude is not None:
                with claude.open("rb") as executable:
                    _put(archive, "claude", executable, claude.stat().st_size, 0o755)
        file.seek(0)
        yield file


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    _put(archive, name, io.BytesIO(content), len(content), mode)


def _put(
    archive: tarfile.TarFile, name: str, content: IO[bytes], size_bytes: int, mode: int
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size_bytes, mode
    archive.addfile(entry, content)
