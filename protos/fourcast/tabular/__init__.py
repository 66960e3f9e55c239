"""Small classifiers of named measurements on the wire."""
