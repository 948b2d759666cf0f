"""The frozen nouns that every part speaks in; standard library only."""
