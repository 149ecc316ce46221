"""The ways to other hosts, for every client of os2: proxies, loopback, TLS and what went wrong."""
