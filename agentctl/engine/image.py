"""Build the agents' image from what ships with agentctl, on a base that is to be had."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agentctl import resources
from agentctl.engine import base as made_base
from agentctl.engine.api import Api, Gone
from agentctl.engine.context import build_context
from agentctl.errors import EngineRefused, EngineUnavailable, InputError
from agentctl.model.fleet import ExecutorKind

Progress = Callable[[str], None]

TAG = "agentctl/agent:1"
PULLED = "python:3.12-slim"
PULL_S_MAX = 120.0
BUILD_S_MAX = 600.0
LABEL_INPUTS = "agentctl.inputs"
LABEL_EXECUTOR = "agentctl.executor"


def ensure(url: str, *, tag: str = TAG, base: str = "", say: Progress) -> str:
    """Make sure that the image is there, built of this agentctl's agentd; return the executor it can run.

    The Claude Code CLI goes in when it is in the cache (see script/fetch-claude).
    Raises EngineUnavailable or EngineRefused.
    """
    build(url, tag=tag, base=base, claude=cached_claude(), progress=say)
    return executor_of(url, tag)


def build(
    url: str, *, tag: str = TAG, base: str = "", claude: Path | None = None, progress: Progress
) -> str:
    """Build the image unless `tag` is already built of the same inputs; return its id.

    `claude` is the Claude Code executable to put in; `base` an image's name ("": find one).
    Raises EngineUnavailable, EngineRefused, InputError (no such executable).
    """
    if claude is not None and not claude.is_file():
        raise InputError(f"no Claude Code executable at {claude}")
    api = Api(url)
    found = base_available(api, name=base, progress=progress)
    inputs = _inputs(_image(api, found), claude)
    existing = _image(api, tag)
    if existing and _labels(existing).get(LABEL_INPUTS) == inputs:
        progress(f"{tag} is up to date")
        return str(existing["Id"])
    target = "agent" if claude is None else "claude"
    progress(f"building {tag} on {found}{' with Claude Code' if claude else ''} …")
    with build_context(claude) as context, api.asking(f"cannot build {tag}") as client:
        _follow(
            client.build(
                fileobj=context,
                custom_context=True,
                target=target,
                tag=tag,
                buildargs={"BASE": found},
                labels={LABEL_INPUTS: inputs},
                network_mode="none",  # everything it needs is in the context
                rm=True,
                forcerm=True,
                decode=True,
                timeout=BUILD_S_MAX,
            ),
            tag,
        )
    built = _image(api, tag)
    if built is None:
        raise EngineRefused(f"cannot build {tag}: the engine made no image of that name")
    _forget(api, existing, built)
    return str(built["Id"])


def base_available(api: Api, *, name: str = "", progress: Progress) -> str:
    """Return the name of a base image that the engine has now, having made or pulled it if need be.

    `name` is taken if it can be had, else refused. Without one: what is there already, a base
    made by debootstrap (root only), a pull bounded by PULL_S_MAX.
    """
    if name:
        if _image(api, name) is None:
            _pull(api, name, progress)
        return name
    for each in (made_base.image_name(), PULLED):
        if _image(api, each):
            return each
    if made_base.archive_path().is_file() or made_base.can_make():
        return _import(api, progress)
    return _pull(api, PULLED, progress)


def executor_of(url: str, tag: str) -> str:
    """Return the richest executor that an image can run: claude-code, or messages-api without the CLI."""
    image = _image(Api(url), tag)
    if image is None:
        raise EngineRefused(f"the engine has no image {tag}", hint="run: agentctl image build")
    return _labels(image).get(LABEL_EXECUTOR) or ExecutorKind.MESSAGES_API.value


def cached_claude() -> Path | None:
    """Return the newest Claude Code executable in the cache, or None."""
    kept = (made_base.cache_dir() / "claude").glob("*/claude")
    return max(kept, key=lambda path: path.stat().st_mtime, default=None)


def _import(api: Api, progress: Progress) -> str:
    archive, name = made_base.archive(progress), made_base.image_name()
    progress(f"importing {name} …")
    repository, _, tag = name.partition(":")
    with api.asking(f"cannot import {name}") as client:
        client.import_image(src=str(archive), repository=repository, tag=tag)
    return name


def _pull(api: Api, name: str, progress: Progress) -> str:
    progress(f"pulling {name} (at most {PULL_S_MAX:g} s) …")
    try:
        _pull_bounded(api, name)
    except (Gone, EngineRefused, EngineUnavailable) as cause:
        raise EngineRefused(
            f"no base image: {name} can't be pulled",
            hint="name one that the engine has (--base), or install debootstrap and be root",
        ) from cause
    return name


def _pull_bounded(api: Api, name: str) -> None:
    deadline_s = time.monotonic() + PULL_S_MAX
    repository, _, tag = name.partition(":")
    with api.asking(f"cannot pull {name}") as client:
        for line in client.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if "error" in line or time.monotonic() > deadline_s:
                raise EngineRefused(f"cannot pull {name}: {line.get('error', 'too slow')}")


def _forget(api: Api, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    """Remove the image that lost its name to the new one, if it was ours and nothing uses it."""
    if old is None or old["Id"] == new["Id"] or LABEL_INPUTS not in _labels(old):
        return
    with (
        contextlib.suppress(Gone, EngineRefused, EngineUnavailable),
        api.asking("cannot remove the old image") as client,
    ):
        client.remove_image(old["Id"])  # refused while it has another name or a container


def _follow(lines: Any, tag: str) -> None:
    for line in lines:
        if "error" in line:
            raise EngineRefused(f"cannot build {tag}: {str(line['error']).strip()}")


def _inputs(base: Mapping[str, Any] | None, claude: Path | None) -> str:
    """Return a hash of all that decides the image's content."""
    parts = hashlib.sha256()
    parts.update(str((base or {}).get("Id", "")).encode())
    parts.update(resources.dockerfile().read_bytes())
    parts.update(hashlib.sha256(resources.agentd()).digest())
    if claude is not None:
        with claude.open("rb") as executable:
            parts.update(hashlib.file_digest(executable, "sha256").digest())
    return parts.hexdigest()


def _image(api: Api, name: str) -> Mapping[str, Any] | None:
    try:
        with api.asking(f"cannot look at the image {name}") as client:
            found: Mapping[str, Any] = client.inspect_image(name)
            return found
    except Gone:
        return None


def _labels(image: Mapping[str, Any]) -> Mapping[str, str]:
    return (image.get("Config") or {}).get("Labels") or {}
