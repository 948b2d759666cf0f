"""agentd: the daemon inside each agent's container; standard library only.

It takes work from the hub, runs it, and says how it went. It is process 1 of
its container, or an ordinary child in the process engine. See
docs/decisions/0005-agentd.md.
"""
