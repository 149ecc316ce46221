"""Where the engine is, and the connection to it."""
