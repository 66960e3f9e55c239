"""What the engine refuses, and why."""


class UnknownModelError(LookupError):
    """There is no such model."""


class UnknownVersionError(LookupError):
    """The model does not serve that version."""


class InputError(ValueError):
    """The arrays of a call do not fit the model's inputs."""


class ModelRefusedError(Exception):
    """No version of a model passes its checks; the text says why."""


def shown(text: str) -> str:
    """Text from a caller, quoted and cut for a message."""
    return repr(text[:64])
