"""Version 1 of the doodle messages and service, generated from `doodle.proto`."""
