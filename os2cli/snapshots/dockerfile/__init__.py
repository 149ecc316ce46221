"""A Dockerfile as Docker reads it."""
