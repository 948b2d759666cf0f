"""Model backends: where they are, what they are asked with, and what their answers say was used."""
