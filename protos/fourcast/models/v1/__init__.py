"""Version 1 of the messages and service about models, generated from `models.proto`."""
