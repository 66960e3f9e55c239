"""Who asks: the typed Python client (`fourcast_clients.api`) and the apps built on it."""
