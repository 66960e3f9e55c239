"""What can go wrong when a text is hidden or revealed; each has its own answer on the wire."""


class StegoError(ValueError):
    """A text cannot be hidden or revealed; the text says why."""


class NoMessageError(StegoError):
    """Nothing is hidden in the picture, or nothing of it is left."""


class DamagedError(StegoError):
    """Something is hidden, but it does not come back exactly."""


class WrongPassphraseError(StegoError):
    """The text is encrypted with another passphrase, or one is missing or too many."""


class TextTooLongError(StegoError):
    """The text does not fit.

    Attributes:
        needed: Bytes that the text takes, after compression where that helps.
        available: Bytes that the picture has for it.
    """

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"the text takes {needed:,} bytes: the picture has room for {available:,}")
        self.needed, self.available = needed, available


class CannotHideError(StegoError):
    """The picture does not give the text back whatever was tried, so nothing was hidden."""
