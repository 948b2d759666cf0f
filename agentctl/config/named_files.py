"""Which files of group_vars/ and host_vars/ are for which name, as Ansible looks for them.

For NAME the first of these is read, and nothing of the others: the folder NAME/, or the files NAME
(without an ending), NAME.yml, NAME.yaml, NAME.json. Of a folder every file with one of these endings
or none, and its folders' files, in alphabetical order; hidden ones and backups (`x~`) aside.
Source: ansible-core, DataLoader.find_vars_files.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

ENDINGS = ("", ".yml", ".yaml", ".json")  # of two files for one name the earlier wins


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What is for a name: the entry that counts, its files (low to high), and what it hides."""

    chosen: str
    files: tuple[str, ...]
    hidden: tuple[str, ...]


def files_by_name(project: Path, folder: str, known: Collection[str]) -> dict[str, Named]:
    """Return each name's files, by their paths in the project.

    Of what has no ending only folders and the names that are `known` count: a README is nobody's.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for entry in _entries(project / folder):
        name, rank = _name_of(entry, known)
        if name:
            found.setdefault(name, []).append((rank, entry.name))
    return {
        name: _named(project, folder, [entry for _, entry in sorted(ranked)])
        for name, ranked in found.items()
    }


def _name_of(entry: Path, known: Collection[str]) -> tuple[str, int]:
    """Return whom an entry is for ("" for nobody), and its place in the order."""
    if entry.is_dir() or entry.name in known:
        return entry.name, 0
    if entry.suffix in ENDINGS[1:]:
        return entry.stem, ENDINGS.index(entry.suffix)
    return "", 0


def _named(project: Path, folder: str, entries: list[str]) -> Named:
    chosen, *hidden = [f"{folder}/{each}" for each in entries]
    inside = tuple(_inside(project, chosen)) if (project / chosen).is_dir() else (chosen,)
    return Named(chosen=chosen, files=inside, hidden=tuple(hidden))


def _inside(project: Path, folder: str, seen: frozenset[Path] = frozenset()) -> Iterator[str]:
    here = (project / folder).resolve()
    if here in seen:  # a link to a folder above
        return
    for entry in _entries(project / folder):
        at = f"{folder}/{entry.name}"
        if entry.is_dir() and not entry.suffix:
            yield from _inside(project, at, seen | {here})
        elif entry.suffix in ENDINGS and not entry.is_dir():
            yield at


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, sorted by name, hidden files and backups aside."""
    if folder.is_dir():
        for entry in sorted(folder.iterdir()):
            if not entry.name.startswith(".") and not entry.name.endswith("~"):
                yield entry
