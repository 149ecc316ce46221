"""The JSON documents that commands print: scripts rely on their fields.

Times are RFC 3339 in UTC, sizes are bytes, durations are seconds.
"""
