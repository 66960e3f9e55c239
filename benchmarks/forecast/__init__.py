"""What forecasts of Bitcoin and Ethereum are worth, beside forecasts that cost nothing."""
