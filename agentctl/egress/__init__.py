"""The agents' way to declared destinations: who asks, to where exactly, at which checked address."""
