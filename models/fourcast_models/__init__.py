"""What a fourcast model *is*: rules, codecs and the repository, without torch or a network."""
