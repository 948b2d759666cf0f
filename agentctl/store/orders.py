"""The operator's order on the mode, in table meta: it outlives a restart."""

from agentctl.model.mode import ModeName, Order
from agentctl.store import keys
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn

_KEY = keys.text("mode_order")

_orders = Codec(Table.META, Order)


def put(txn: Txn, order: Order) -> None:
    """Keep an order in place of the one before."""
    txn.put(Table.META, _KEY, _orders.encode(order))


def get(txn: Txn) -> Order | None:
    """Return the order in force, or None."""
    return decoded(_orders, _KEY, txn.get(Table.META, _KEY))


def tighten(txn: Txn, order: Order) -> None:
    """Keep an order unless the one in force is as strict already: panic is above paused."""
    before = get(txn)
    if before is None or (before.mode is ModeName.PAUSED and order.mode is ModeName.PANIC):
        put(txn, order)


def clear(txn: Txn) -> None:
    """Forget it: the mode is the hub's own affair again."""
    txn.delete(Table.META, _KEY)
