"""The lessons behind the networks: one file a lesson, each a formula in NumPy beside torch.

Every module of this folder is a lesson and ends with a `LESSON`; `fourcast-train lesson` finds it
by scanning. How a lesson is printed and drawn stands in `presentation`.
"""

COMMANDS = {"lesson": "fourcast_training.lessons.presentation.command"}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
