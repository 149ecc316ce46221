"""The connection to the API: JSON in, JSON out, failures in our words."""
