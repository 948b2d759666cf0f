"""The MCP server that the model's tools come from: what it may say to colleagues, ask them and hand to them."""
