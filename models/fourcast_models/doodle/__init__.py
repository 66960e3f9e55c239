"""Doodles in the categories of Quick, Draw!: strokes and images to tensors, tensors to names."""
