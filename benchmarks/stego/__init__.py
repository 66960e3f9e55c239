"""Hiding texts in pictures, beside other methods: `python -m benchmarks.stego`.

What happens to the pictures stands in `changes`, what is compared in `methods`, the other people's
libraries run in an environment of their own (`peer_process`, `peer_worker`).
"""
