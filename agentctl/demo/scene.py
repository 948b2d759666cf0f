"""The demo's own copy of the sample project: its inventory, its providers, a fleet name of its own."""

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

PRIVATE = "ollama-qwen3"
PUBLIC = "claude-opus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where this run of the demo stands. All of it is under `root`, which goes away at the end."""

    root: Path
    fleet: str

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def key_file(self) -> Path:
        return self.root / "demo-key"

    def take_down(self) -> None:
        """Remove everything the scene wrote."""
        shutil.rmtree(self.root, ignore_errors=True)


def set_scene(sample: Path) -> Scene:
    """Copy the sample project into a new temporary directory; the sample itself is never written."""
    root = Path(tempfile.mkdtemp(prefix="agentctl-demo-"))
    scene = Scene(root=root, fleet=f"demo-{secrets.token_hex(2)}")
    scene.project.mkdir()
    for folder in ("playbooks", "policies"):
        shutil.copytree(sample / folder, scene.project / folder)
    descriptor = os.open(scene.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as key:
        key.write(f"demo-{secrets.token_urlsafe(24)}")
    return scene


def write_inventory(
    scene: Scene, *, engine_url: str, image: str, executor: str, contained: bool
) -> None:
    """Write the demo's inventory: one host. `isolation: none` stands where nothing contains the agents."""
    host = {"engine_url": engine_url} | ({} if contained else {"isolation": "none"})
    document = {
        "all": {
            "vars": {"fleet": scene.fleet, "image": image, "executor": executor},
            "children": {"private": {"hosts": {"local": host}}},
        }
    }
    (scene.project / "inventory.yaml").write_text(yaml.safe_dump(document, sort_keys=False))


def write_providers(scene: Scene, standins: dict[str, str]) -> None:
    """Point providers at stand-in models: provider name → base URL. Others stay as the sample has them."""
    path = scene.project / "policies" / "providers.yaml"
    document = yaml.safe_load(path.read_text())
    for name, base_url in standins.items():
        provider = document["providers"][name]
        provider["base_url"] = base_url
        if "api_key" in provider:
            provider["api_key"] = {"file": str(scene.key_file)}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
