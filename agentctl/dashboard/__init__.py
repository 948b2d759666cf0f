"""The dashboard's pages: rows that the hub's services return → what a page shows → HTML. Pure.

Nothing here asks the hub, and nothing here decides who may see what: rows come as they were
allowed. Source: docs/decisions/0031-dashboard.md.
"""
