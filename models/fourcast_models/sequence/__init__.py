"""Forecasts of daily prices: what a series must be, and the tensors that the networks read."""
