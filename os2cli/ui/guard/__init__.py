"""Access checks, and the security headers of responses."""
