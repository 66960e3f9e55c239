"""Breast cancer or not, from nine measurements of 116 women: eight models on identical folds."""

COMMANDS = {
    "tabular": "fourcast_training.tabular.train",
    "tabular-download": "fourcast_training.tabular.download",
}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
