"""The oil wells: ten points, 23 parameters, back-propagation by hand and least squares."""

COMMANDS = {"oil": "fourcast_training.oil.train"}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
