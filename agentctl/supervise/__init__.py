"""The processes of `serve`: start, watch, restart, stop, each with a scrubbed environment."""
