"""The engine's address and the connection to it."""
