"""The checks of ``os2 doctor``, one module each."""
