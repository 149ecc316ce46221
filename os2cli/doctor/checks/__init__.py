"""One module for each thing that ``os2 doctor`` looks at."""
