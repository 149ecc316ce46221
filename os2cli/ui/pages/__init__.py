"""The request handlers of all pages."""
