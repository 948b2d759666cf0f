"""The hub's durable memory: one LMDB environment, a module per table, writes acknowledged after fsync.

`Store.open(path)` opens it; `store.write(work)` and `with store.read() as txn`
are the only ways in. Table modules (`tasks`, `journal`, …) are functions over
a `Txn`; they take and return the nouns of `agentctl.model`.
"""

from agentctl.store.contract import Store
from agentctl.store.txn import Table, Txn

__all__ = ["Store", "Table", "Txn"]
