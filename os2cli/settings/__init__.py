"""Every setting and variable, and the only reader of the environment."""
