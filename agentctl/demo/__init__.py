"""A whole fleet on this machine for a few minutes: the sample project, stand-in models, three tasks."""
