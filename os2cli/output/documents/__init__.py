"""The JSON documents that commands print: their fields are a promise to scripts.

Times are RFC 3339 in UTC, sizes are bytes, durations are seconds.
"""
