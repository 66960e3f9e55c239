"""Doodles in the 345 categories of Quick, Draw!: strokes and images to tensors, tensors to names."""
