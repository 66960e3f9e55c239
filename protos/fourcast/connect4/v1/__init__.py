"""Version 1 of the Connect-4 messages and service, generated from `connect4.proto`."""
