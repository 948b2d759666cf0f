"""`python -m agentctl`: the command line."""

from agentctl.cli import main

main()
