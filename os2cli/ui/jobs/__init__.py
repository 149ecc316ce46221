"""Work that a page watches, and the events that tell of it."""
