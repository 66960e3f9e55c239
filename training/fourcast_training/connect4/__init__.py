"""The Connect-4 network: labels from perfect play, two architectures, training and evaluation."""

COMMANDS = {
    "connect4": "fourcast_training.connect4.train",
    "connect4-label": "fourcast_training.connect4.data",
    "connect4-book": "fourcast_training.connect4.book",
}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
