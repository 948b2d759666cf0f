"""The files that ship with the package: schemas, the sample project, the image's sources, agentd."""

import io
import zipfile
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
    return _archive(root() / "daemon")


def _archive(folder: Path) -> bytes:
    """Return `folder`/agentd as a zip whose bytes depend on its sources alone: no times, no caches."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "agentd").rglob("*.py")):
            archive.writestr(_entry(path.relative_to(folder).as_posix()), path.read_bytes())
        archive.writestr(_entry("__main__.py"), "import agentd.main\nagentd.main.main()\n")
    return content.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # dated 1980, as the format's zero
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
