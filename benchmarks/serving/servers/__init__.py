"""The peers: each serves the same ONNX file as its documentation shows for a model of one's own.

Every module runs in the virtual environment of its peer: `python -m MODULE PORT MODEL.onnx`. They
are written for that environment's packages, which the project's own does not have.
"""
