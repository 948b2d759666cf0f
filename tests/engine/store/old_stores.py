"""Stores of earlier schemas as text: every record as it was stored, so that any of them can be made again.

`python -m tests.engine.store.old_stores DIRECTORY FILE`, run with the release that wrote the
store in DIRECTORY, writes FILE; nothing of the store's own code is used in either direction.
"""

import base64
import json
import sys
from pathlib import Path

import lmdb

HERE = Path(__file__).parent
MAP_BYTES = 16 << 20


def dump(directory: Path) -> dict[str, dict[str, str]]:
    """Return every table's records, keys in hexadecimal, values with their seals in base64."""
    found: dict[str, dict[str, str]] = {}
    with (
        lmdb.open(str(directory), max_dbs=64, lib_version=0, readonly=True, lock=False) as env,
        env.begin() as txn,
    ):
        names = [bytes(key) for key, _ in txn.cursor()]
        for name in names:
            db = env.open_db(name, txn=txn, create=False)
            found[name.decode()] = {
                bytes(key).hex(): base64.b64encode(value).decode()
                for key, value in txn.cursor(db=db)
            }
    return found


def make(name: str, directory: Path) -> Path:
    """Write the store that `name`.json holds into `directory`; return it."""
    tables: dict[str, dict[str, str]] = json.loads((HERE / f"{name}.json").read_text())
    directory.mkdir(parents=True)
    with lmdb.open(str(directory), max_dbs=64, lib_version=0, map_size=MAP_BYTES) as env:
        for table, records in tables.items():
            db = env.open_db(table.encode())
            with env.begin(write=True) as txn:
                for key, value in records.items():
                    txn.put(bytes.fromhex(key), base64.b64decode(value), db=db)
    return directory


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(dump(Path(sys.argv[1])), indent=1) + "\n")
