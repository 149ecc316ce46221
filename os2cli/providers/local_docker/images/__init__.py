"""Images: built, kept and pushed."""
