"""The forecasting networks: daily prices, walk-forward tests beside baselines, honest verdicts."""

COMMANDS = {
    "forecast": "fourcast_training.sequence.train",
    "forecast-controls": "fourcast_training.sequence.controls",
}
"""What `fourcast-train` offers from this folder: a name and the module whose `main` it runs."""
