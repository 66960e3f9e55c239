"""What becomes of calls when things go wrong: `python -m benchmarks.serving.faults`.

`overload` asks for more than the server can do, `swaps` changes its model again and again while it
is used, `stops` stops it in the middle of its work. h2load puts the load on it; the Python clients
`probe` and `callers` see the status codes that h2load does not.
"""
