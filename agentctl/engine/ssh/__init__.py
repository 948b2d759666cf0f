"""Engines on other hosts, by the system's OpenSSH client and what operators have set up for it."""
