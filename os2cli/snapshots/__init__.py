"""Use cases around images and snapshots, and what builds and keeps them."""
