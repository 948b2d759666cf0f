"""The agents' way to their model: who asks, for which task, with the real key put in and the use counted."""
