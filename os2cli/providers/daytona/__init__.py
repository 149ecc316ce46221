"""Snapshots and machines on Daytona, through its REST API (v0).

The specification declares almost no errors: ``api.errors`` holds those that it really returns.
"""
