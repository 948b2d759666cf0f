"""The client of an OPA server: it may narrow what the built-in policy allows, and never widen it."""
