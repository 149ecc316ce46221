"""Who may ask, and what a browser may do with an answer."""
