"""The steganography networks: lattice codes that learn, noise, training and evaluation."""

COMMANDS = {"stego": "fourcast_training.stego.train"}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
