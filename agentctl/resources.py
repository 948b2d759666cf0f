"""The files that ship with the package: schemas, the sample project, the image's sources, agentd."""

import io
import zipapp
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = _PACKAGE / "_data"  # in a wheel; a checkout has the same folders beside the package


def root() -> Path:
    """Return the folder that holds schemas/, daemon/, playbooks/, policies/ and inventory.yaml."""
    return _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent


def schema_path(name: str) -> Path:
    """Return the path of a schema: `playbook`, `wire/boot`."""
    return root() / "schemas" / f"{name}.schema.json"


def dockerfile() -> Path:
    """Return the path of the agent image's Dockerfile."""
    return root() / "daemon" / "Dockerfile"


@cache
def agentd() -> bytes:
    """Return agentd as one executable zip archive (what a container runs as PID 1)."""
    shipped = root() / "daemon" / "agentd.pyz"
    if shipped.is_file():
        return shipped.read_bytes()
    archive = io.BytesIO()
    zipapp.create_archive(
        root() / "daemon",
        archive,
        main="agentd.main:main",
        filter=lambda path: path.parts[0] == "agentd" and path.suffix in ("", ".py"),
    )
    return archive.getvalue()
