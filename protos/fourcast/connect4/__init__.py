"""Connect-4 on the wire."""
