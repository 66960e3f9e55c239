"""Models on the wire: what a server offers, and their cards."""
