"""agentctl runs a fleet of coding agents: declared in YAML, routed by sensitivity, held in by the kernel."""
