"""What both faces work with: a session, and the way from options to use cases."""
