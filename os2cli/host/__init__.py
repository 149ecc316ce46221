"""This computer: its locks, ports, certificates, terminal, browser and signals."""
