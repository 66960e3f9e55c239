"""Small classifiers of named measurements: what each feature is, its unit and its range."""
