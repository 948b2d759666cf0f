"""Messages between agents: an envelope through its ordered checks to a delivery, or the check that refused it."""
