"""Version 1 of the tabular messages and service, generated from `tabular.proto`."""
