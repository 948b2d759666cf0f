"""Task queues that users know, on a Redis that syncs every write, as bench.capacity's peers."""
