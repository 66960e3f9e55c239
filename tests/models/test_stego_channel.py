"""Bodies to bits and back through noise: exactly, or with an error."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourcast_models.stego import channel
from fourcast_models.stego.channel import KEEP, Layout
from fourcast_models.stego.codec import CAPACITY, PROFILES, ROBUST, Profile
from fourcast_models.stego.errors import DamagedError, NoMessageError
from fourcast_models.stego.payload import Body, pack

PROFILE = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def body_of(size: int, capacity: int) -> Body:
    """A body with so many bytes of content that cannot be compressed."""
    letters = np.random.default_rng(size).integers(32, 127, size, dtype=np.uint8)
    return pack(letters.tobytes().decode(), None, max(capacity, size + 8))


def heard(
    message: npt.NDArray[np.uint8], flips: float = 0.0, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Soft values of which this share is wrong, and that do not say which."""
    generator = np.random.default_rng(seed)
    noise = generator.integers(0, 2, len(message))
    bits = np.where(message == KEEP, noise, message) ^ (generator.random(len(message)) < flips)
    return (2 * bits - 1).astype(np.float32)


@PROFILE
@pytest.mark.parametrize("size", [(64, 64), (256, 256), (100, 333), (700, 200)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_body_comes_back(profile: Profile, size: tuple[int, int], share: float) -> None:
    layout = profile.layout(*size)
    data = np.random.default_rng(0).bytes(round(share * (layout.capacity - 8)))
    body = Body(0, checked(data))
    assert channel.read(layout, heard(channel.write(layout, body))) == (body, 0)


def checked(content: bytes) -> bytes:
    """A body's data whose check holds, by the definition in payload.py."""
    start = b"\0" + (len(content) + 8).to_bytes(4, "big")
    return blake2b(start + content, digest_size=8, person=b"fourcast stego").digest() + content


def test_the_promised_bytes_fit() -> None:
    assert CAPACITY.layout(256, 256).capacity - 8 >= 7600
    assert ROBUST.layout(256, 256).capacity - 8 >= 400
    assert ROBUST.layout(64, 64).capacity - 8 > 0


@settings(max_examples=40)
@given(st.integers(64, 400), st.integers(64, 400), st.sampled_from([*PROFILES.values()]))
def test_every_slot_has_its_place(height: int, width: int, profile: Profile) -> None:
    # A layout that repeats leaves no slot inside a codeword alone, so collisions would show.
    layout = Layout(profile.layout(height, width).slots, ROBUST.rules)
    message = channel.write(layout, body_of(layout.capacity // 2, 0))
    used = int((message != KEEP).sum())
    assert used == layout.copies * 128 + layout.codewords * layout.length
    assert layout.slots - used < layout.codewords


def test_a_short_text_changes_little_of_a_lossless_picture() -> None:
    layout = CAPACITY.layout(256, 256)
    message = channel.write(layout, body_of(20, 0))
    assert 0.05 < (message != KEEP).mean() < 0.15


@PROFILE
def test_bits_do_not_show_the_text(profile: Profile) -> None:
    layout = profile.layout(256, 256)
    message = channel.write(layout, Body(0, bytes(layout.capacity)))
    assert abs((message[message != KEEP] == 1).mean() - 0.5) < 0.03


@pytest.mark.parametrize(("profile", "bearable"), [(CAPACITY, 0.008), (ROBUST, 0.07)])
def test_errors_up_to_its_power_are_corrected(profile: Profile, bearable: float) -> None:
    layout = profile.layout(256, 256)
    body = body_of(layout.capacity - 8, 0)
    message = channel.write(layout, body)
    found, corrected = channel.read(layout, heard(message, bearable))
    assert found == body
    assert 0.5 * bearable < corrected / layout.slots < 1.5 * bearable


@PROFILE
def test_errors_beyond_its_power_are_damage(profile: Profile) -> None:
    layout = profile.layout(256, 256)
    message = channel.write(layout, body_of(layout.capacity - 8, 0))
    with pytest.raises(DamagedError):
        channel.read(layout, heard(message, 0.14))
    with pytest.raises(NoMessageError):
        channel.read(layout, heard(message, 0.5))


def test_a_short_text_stands_far_more() -> None:
    layout = ROBUST.layout(256, 256)
    body = body_of(64, 0)
    assert channel.read(layout, heard(channel.write(layout, body), 0.2))[0] == body


def test_unsure_bits_may_all_be_wrong() -> None:
    layout = ROBUST.layout(256, 256)
    body = body_of(layout.capacity - 8, 0)
    soft = heard(channel.write(layout, body))
    weak = np.random.default_rng(1).random(len(soft)) < 0.15
    soft[weak] *= -0.1
    assert channel.read(layout, soft)[0] == body


@PROFILE
def test_noise_is_never_a_text(profile: Profile) -> None:
    generator = np.random.default_rng(7)
    layout = profile.layout(64, 64)
    for _ in range(1000):
        with pytest.raises((NoMessageError, DamagedError)):
            channel.read(layout, generator.normal(size=layout.slots))


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_flat_answers_are_no_message(value: float) -> None:
    layout = ROBUST.layout(256, 256)
    with pytest.raises(NoMessageError):
        channel.read(layout, np.full(layout.slots, value, dtype=np.float32))


def test_the_format_stays_what_it_is() -> None:
    # Whoever changes it raises FORMAT_VERSION: pictures are kept for years.
    message = channel.write(ROBUST.layout(64, 64), pack("fourcast", None, 17))
    assert np.packbits(message == 1).tobytes().hex() == FROZEN


FROZEN = (
    "1c959a2c675f7bf83b012266da89f251eca510d60129ef57"
    "49f53335994ef46746c14917a156692546a87d33f1a68662"
)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        channel.write(ROBUST.layout(64, 64), Body(0, bytes(18)))
