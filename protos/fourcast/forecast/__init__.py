"""Forecasts on the wire."""
