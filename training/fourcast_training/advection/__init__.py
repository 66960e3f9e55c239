"""The advection equation by small networks: all weights trained, or least squares."""

COMMANDS = {"advection": "fourcast_training.advection.train"}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
