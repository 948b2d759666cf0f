"""`python -m agentd`: the same as the zip archive's entry."""

from agentd.main import main

main()
