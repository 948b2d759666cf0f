"""git, npm and plain requests through the real process: what is declared is reached, and nothing else."""

import base64
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

from tests.engine.egress.conftest import Internet, Stage
from tests.fakes.https_site import ELSEWHERE
from tests.fakes.internet import PRIVATE, PUBLIC


def repository(internet: Internet) -> None:
    """Put a repository where git finds it over plain files."""
    work, bare = internet.folder / "work", internet.folder / "www" / "tools.git"
    if bare.exists():
        return
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (
        ["init", "-q", "-b", "main", str(work)],
        ["-C", str(work), *identity, "commit", "-q", "--allow-empty", "-m", "the first one"],
        ["clone", "-q", "--bare", str(work), str(bare)],
        ["-C", str(bare), "update-server-info"],
    ):
        subprocess.run(["git", *words], check=True, capture_output=True)


def package(internet: Internet) -> None:
    """Put a package, and the document that leads to it, where npm looks for them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in (
            ("package.json", json.dumps({"name": "padder", "version": "1.0.0"})),
            ("index.js", "module.exports = () => 'padded'\n"),
        ):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    sum_of_it = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
    dist = {
        "tarball": "https://npm.example/padder-1.0.0.tgz",
        "integrity": f"sha512-{sum_of_it}",
    }
    version = {"name": "padder", "version": "1.0.0", "dist": dist}
    document = {
        "name": "padder",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": version},
    }
    (internet.folder / "www" / "padder-1.0.0.tgz").write_bytes(packed.getvalue())
    (internet.folder / "www" / "padder").write_text(json.dumps(document))


def test_git_clones_over_https(stage: Stage, tmp_path: Path) -> None:
    repository(stage.internet)
    stage.run("git", "clone", "-q", "https://git.example/tools.git", str(tmp_path / "tools"))
    said = stage.run("git", "-C", str(tmp_path / "tools"), "log", "--format=%s")
    assert said == "the first one\n"
    line = stage.line("egress.closed")
    assert line["ended"] == "done"
    assert int(line["bytes_in"]) > 1000
    assert {each["host"] for each in stage.lines("egress.opened")} == {"git.example:443"}


def test_npm_installs_from_its_registry(stage: Stage, tmp_path: Path) -> None:
    package(stage.internet)
    words = ["install", "--prefix", str(tmp_path), "--cache", str(tmp_path / "cache")]
    words += ["--registry", "https://npm.example/", "--no-audit", "--no-fund", "--loglevel=error"]
    stage.run("npm", *words, "padder")
    assert (tmp_path / "node_modules" / "padder" / "index.js").exists()
    assert {each["host"] for each in stage.lines("egress.opened")} == {"npm.example:443"}


def test_what_is_not_declared_is_refused_and_its_name_never_looked_up(
    stage: Stage, tmp_path: Path
) -> None:
    said = stage.run("git", "clone", "https://evil.example/x.git", str(tmp_path / "x"), code=128)
    assert "response 403" in said
    assert stage.internet.seen("name") == []
    line = stage.line("egress.refused")
    assert line["host"] == "evil.example:443"
    assert line["why"] == "thinker declares no destination with evil.example:443"


def test_a_redirect_passes_through_and_is_not_followed(stage: Stage) -> None:
    assert stage.get("git.example", "/redirect") == (302, ELSEWHERE, b"")
    assert stage.internet.seen("hit") == [[PUBLIC, "/redirect"]]
    assert stage.refusal("inside.example") == "403"


def test_a_private_address_is_reached_where_its_network_is_declared(stage: Stage) -> None:
    (stage.internet.folder / "www" / "here").write_text("here")
    assert stage.get("cache.example", "/here")[2] == b"here"
    assert stage.internet.seen("hit") == [[PRIVATE, "/here"]]


def test_megabytes_go_both_ways_and_are_counted(stage: Stage) -> None:
    (stage.internet.folder / "www" / "large").write_bytes(bytes(8_000_000))
    assert len(stage.get("git.example", "/large")[2]) == 8_000_000
    assert int(stage.line("egress.closed")["bytes_in"]) > 8_000_000
    connection = stage.tunnel("git.example")
    connection.request("POST", "/up", bytes(4_000_000))
    assert connection.getresponse().status == 204
    connection.close()
    assert [PUBLIC, "/up 4000000"] in stage.internet.seen("hit")
