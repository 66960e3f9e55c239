"""The arcade in the browser: a gateway over the typed API, and the pages that it serves."""
