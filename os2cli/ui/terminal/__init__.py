"""A terminal in the page: a shell in a machine, over a WebSocket."""
