"""Snapshots and machines on Daytona, through its REST API (v0).

The API's specification declares almost no error answers: ``refusals`` holds what it really says.
"""
