"""Equations from data: which terms of a library make up the equations of a measured motion."""

COMMANDS = {"sindy": "fourcast_training.sindy.train"}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
