"""The terminal page: a shell in a machine, over a WebSocket."""
