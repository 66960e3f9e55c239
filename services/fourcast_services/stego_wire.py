"""Steganography on the wire and in code: profiles, pictures, sizes."""

from fourcast.stego.v1 import stego_pb2 as wire
from fourcast_models.images import ImageError
from fourcast_models.stego.codec import CAPACITY, ROBUST, Profile
from fourcast_models.stego.pictures import Picture, read_picture
from fourcast_services.errors import FieldError

_PROFILES = {wire.PROFILE_CAPACITY: CAPACITY, wire.PROFILE_ROBUST: ROBUST}
_NUMBERS = {profile.name: number for number, profile in _PROFILES.items()}


def read_profile(profile: wire.Profile.ValueType) -> Profile:
    """The profile, `ROBUST` where none is said.

    Raises:
        FieldError: If there is no such profile.
    """
    if profile == wire.PROFILE_UNSPECIFIED:
        return ROBUST
    if profile not in _PROFILES:
        known = ", ".join(f"{number} ({wire.Profile.Name(number)})" for number in _PROFILES)
        raise FieldError("profile", f"{profile} is no profile; known are {known}")
    return _PROFILES[profile]


def write_profile(name: str) -> wire.Profile.ValueType:
    """The profile with a name."""
    return _NUMBERS[name]


def read_image(data: bytes, max_pixels: int) -> Picture:
    """The picture in a request.

    Raises:
        FieldError: If it cannot be read.
    """
    try:
        return read_picture(data, max_pixels)
    except ImageError as error:
        raise FieldError("image", str(error)) from None


def read_passphrase(request: wire.HideRequest | wire.RevealRequest) -> str | None:
    """The passphrase of a request, None if it has none.

    Raises:
        FieldError: If it is empty.
    """
    if not request.HasField("passphrase"):
        return None
    if not request.passphrase:
        raise FieldError("passphrase", "empty; leave it out, or give one")
    return request.passphrase
