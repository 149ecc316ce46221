"""``os2 doctor``: what works on this computer, what does not, and what can be fixed."""
