"""Images: built, listed and pushed."""
