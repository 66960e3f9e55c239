"""fourcast beside other model servers, under the same load: `python -m benchmarks.serving`.

A run, from the bottom up:

- `processes` holds a server and measures its whole process tree, `h2load` puts load on it;
- `workload` makes the requests and the right answers, `check` compares a server's answers with
  them, `streaming` and `baseline` are the two loads that h2load cannot make;
- `peers` installs the servers of `peers.toml`, `measure` measures one of them;
- `rounds` interleaves them and keeps what was measured, `figures` reduces that to ratios;
- `report` and `chart` show it, `verdicts` compares it with the targets.

The package imports neither numpy nor grpc nor onnxruntime where a server is measured: libraries
that this process maps as well would count only half in the server's proportional set size.
"""
