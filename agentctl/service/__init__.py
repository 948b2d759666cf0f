"""The hub's use cases, one verb a module: read, decide, write in one transaction, then wake who waits."""
