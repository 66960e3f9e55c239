"""The exact solver, measured: `python -m benchmarks.solver`.

`race` puts it beside BitBully, each in a process of its own (`contenders`, `worker`), `calibration`
says how fast the machine is, `labelling` and `waiting` measure what the solver is used for.
"""
