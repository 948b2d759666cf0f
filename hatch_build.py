"""Build hook: what ships inside the wheel beside the code, agentd as one zip archive among it."""

import zipapp
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("schemas", "playbooks", "policies", "inventory.yaml", "daemon/Dockerfile")


class ShippedData(BuildHookInterface):  # type: ignore[type-arg]
    """Put schemas, the sample project, the Dockerfile and agentd under agentctl/_data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # a checkout has the folders beside the package
        root = Path(self.root)
        include = build_data["force_include"]
        for name in SHIPPED:
            include[str(root / name)] = f"agentctl/_data/{name}"
        archive = root / "build" / "agentd.pyz"
        archive.parent.mkdir(exist_ok=True)
        zipapp.create_archive(
            root / "daemon",
            archive,
            main="agentd.main:main",
            filter=lambda path: path.parts[0] == "agentd" and path.suffix in ("", ".py"),
        )
        include[str(archive)] = "agentctl/_data/daemon/agentd.pyz"
