"""The egress proxy: named destinations for the agents that declare them, and nothing else."""
