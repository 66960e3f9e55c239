"""The doodle networks: Quick, Draw! drawings, residual networks, training and evaluation."""

COMMANDS = {
    "doodle": "fourcast_training.doodle.train",
    "doodle-download": "fourcast_training.doodle.download",
}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
