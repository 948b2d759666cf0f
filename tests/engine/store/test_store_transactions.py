"""What every store promises of its transactions."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentctl.errors import Conflict, StoreUnavailable
from agentctl.store import Store, Table, Txn

META = Table.META


def put(key: bytes, value: bytes = b"v") -> Callable[[Txn], None]:
    return lambda txn: txn.put(META, key, value)


def keys_of(store: Store, prefix: bytes = b"", **how: object) -> list[bytes]:
    with store.read() as txn:
        return [key for key, _ in txn.scan(META, prefix, **how)]  # type: ignore[arg-type]


def filled(store: Store, *keys: bytes) -> Store:
    def work(txn: Txn) -> None:
        for key in keys:
            txn.put(META, key, b"value of " + key)

    store.write(work)
    return store


def test_a_write_returns_what_its_work_returned(store: Store) -> None:
    assert store.write(lambda txn: 42) == 42


def test_what_was_written_is_read(store: Store) -> None:
    store.write(put(b"k", b"v"))
    with store.read() as txn:
        assert txn.get(META, b"k") == b"v"
        assert txn.get(META, b"other") is None


def test_an_empty_value_is_not_a_missing_one(store: Store) -> None:
    store.write(put(b"k", b""))
    with store.read() as txn:
        assert txn.get(META, b"k") == b""


def test_a_work_sees_its_own_changes(store: Store) -> None:
    def work(txn: Txn) -> bytes | None:
        txn.put(META, b"k", b"v")
        return txn.get(META, b"k")

    assert store.write(work) == b"v"


def test_a_failed_work_undoes_all_it_wrote_and_raises_in_its_caller(store: Store) -> None:
    filled(store, b"before")

    def work(txn: Txn) -> None:
        txn.put(META, b"half", b"done")
        txn.delete(META, b"before")
        raise Conflict("no")

    with pytest.raises(Conflict, match="no"):
        store.write(work)
    assert keys_of(store, b"half") == []
    assert keys_of(store, b"before") == [b"before"]


def test_a_failed_work_leaves_those_that_share_its_transaction_intact(store: Store) -> None:
    """The first work holds the writer until all others wait, so that they make one group."""
    all_wait = threading.Event()
    first = ThreadPoolExecutor(1).submit(store.write, lambda txn: all_wait.wait(30))

    def fails(txn: Txn) -> None:
        txn.put(META, b"bad", b"")
        raise Conflict("no")

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(store.write, each) for each in (put(b"a"), fails, put(b"b"))]
        all_wait.set()
        outcomes = [each.exception() for each in waiting]
    assert first.result() is True
    assert [type(each) for each in outcomes] == [type(None), Conflict, type(None)]
    assert keys_of(store, b"a") + keys_of(store, b"b") + keys_of(store, b"bad") == [b"a", b"b"]


def test_a_snapshot_does_not_see_later_writes(store: Store) -> None:
    filled(store, b"a")
    with store.read() as txn:
        store.write(put(b"b"))
        assert txn.get(META, b"b") is None
        assert [key for key, _ in txn.scan(META, b"b")] == []
    assert keys_of(store, b"b") == [b"b"]


def test_concurrent_increments_are_all_counted(store: Store) -> None:
    def increment(txn: Txn) -> None:
        txn.put(META, b"n", b"%d" % (int(txn.get(META, b"n") or b"0") + 1))

    def many(_: int) -> None:
        for _ in range(25):
            store.write(increment)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(many, range(8)))
    with store.read() as txn:
        assert txn.get(META, b"n") == b"200"


def test_write_soon_is_done_once_it_is_there(store: Store) -> None:
    pending = [store.write_soon(put(b"soon%d" % each)) for each in range(10)]
    for each in pending:
        each.result(timeout=30)
    assert len(keys_of(store, b"soon")) == 10


def test_a_delete_says_whether_there_was_something(store: Store) -> None:
    filled(store, b"k")
    assert store.write(lambda txn: (txn.delete(META, b"k"), txn.delete(META, b"k"))) == (
        True,
        False,
    )


KEYS = (b"a", b"ab", b"ab\0", b"ab\xff", b"ab\xff\xff", b"ac", b"b", b"\xff\xff")


@pytest.mark.parametrize("prefix", [b"", b"a", b"ab", b"ab\xff", b"b", b"zz", b"\xff", b"\xff\xff"])
@pytest.mark.parametrize(
    "after", [None, b"a", b"aa", b"ab", b"ab\xff", b"b", b"\xff\xff\xff", b"0"]
)
def test_a_scan_yields_the_keys_with_the_prefix_behind_a_key_in_order(
    store: Store, prefix: bytes, after: bytes | None
) -> None:
    store.write(lambda txn: [txn.delete(META, key) for key, _ in txn.scan(META)])
    filled(store, *KEYS)
    having = sorted(key for key in KEYS if key.startswith(prefix))
    assert keys_of(store, prefix, after=after) == [
        key for key in having if after is None or key > after
    ]
    assert keys_of(store, prefix, after=after, reverse=True) == [
        key for key in reversed(having) if after is None or key < after
    ]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_may_delete_what_it_yields(store: Store, reverse: bool) -> None:
    filled(store, *(b"d%03d" % each for each in range(300)))

    def drain(txn: Txn) -> int:
        return sum(txn.delete(META, key) for key, _ in txn.scan(META, b"d", reverse=reverse))

    assert store.write(drain) == 300
    assert keys_of(store, b"d") == []


def test_a_scan_meets_what_is_written_ahead_of_it(store: Store) -> None:
    filled(store, b"w1")

    def grow(txn: Txn) -> list[bytes]:
        met = []
        for key, _ in txn.scan(META, b"w"):
            met.append(key)
            if key < b"w4":
                txn.put(META, b"w%d" % (int(key[1:]) + 1), b"")
        return met

    assert store.write(grow) == [b"w1", b"w2", b"w3", b"w4"]


def test_a_transaction_is_of_no_use_after_its_end(store: Store) -> None:
    kept = store.write(lambda txn: txn)
    with pytest.raises(Exception, match=r"[Cc]losed|ended"):
        kept.get(META, b"k")


def test_a_closed_store_refuses_writes_and_closes_twice(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.write(put(b"k"))


def test_a_closed_store_is_not_read(store: Store) -> None:
    store.close()
    with pytest.raises(StoreUnavailable), store.read():
        pass


def test_figures_count_what_was_committed(store: Store) -> None:
    before = store.figures()
    for _ in range(3):
        store.write(put(b"k"))
    after = store.figures()
    assert (after.works - before.works, after.commits - before.commits) == (3, 3)
    assert store.reader_check() == 0
