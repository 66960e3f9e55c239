"""The web app under many visitors, and as one of them sees it: `python -m benchmarks.web`."""
