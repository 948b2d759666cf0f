"""What runs a task: the Claude Code CLI, one call to the model, or any command."""
