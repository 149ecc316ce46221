"""Use cases around machines, and what a provider of machines has to do."""
