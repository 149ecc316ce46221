"""Values, errors and rules: imports nothing else of os2."""
