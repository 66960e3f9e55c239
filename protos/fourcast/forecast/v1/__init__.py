"""Version 1 of the forecast messages and service, generated from `forecast.proto`."""
