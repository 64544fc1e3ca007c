"""The server's half of the worker protocol: leases are handed out and reports taken over HTTP.

docs/reference/worker-protocol.md says what holds.
"""
