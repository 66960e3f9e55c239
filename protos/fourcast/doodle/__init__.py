"""doodle on the wire."""
