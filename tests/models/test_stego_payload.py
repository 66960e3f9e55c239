"""Texts to bodies and back: exactly, or with an error that says why not."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourcast_models.stego import payload
from fourcast_models.stego.errors import DamagedError, TextTooLongError, WrongPassphraseError
from fourcast_models.stego.payload import Body, pack, unpack

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
PLENTY = 1 << 20


@given(TEXTS)
def test_any_text_comes_back(text: str) -> None:
    assert unpack(pack(text, None, PLENTY), None) == text


@settings(max_examples=4)
@given(TEXTS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_passphrase_opens_what_it_closed(text: str, passphrase: str) -> None:
    assert unpack(pack(text, passphrase, PLENTY), passphrase) == text


def test_two_messages_share_nothing() -> None:
    one, other = (pack("the same", "secret", PLENTY) for _ in range(2))
    assert one.data[payload.CHECK_BYTES :][:16] != other.data[payload.CHECK_BYTES :][:16]
    assert one.data[-24:] != other.data[-24:]


def test_compression_comes_before_encryption() -> None:
    assert len(pack("so it goes, " * 500, "secret", PLENTY).data) < 200


def test_what_compression_would_lengthen_stays() -> None:
    body = pack("x", None, PLENTY)
    assert body.flags == 0
    assert body.data[payload.CHECK_BYTES :] == b"x"


@pytest.mark.parametrize("wrong", ["Secret", "secret ", None])
def test_another_passphrase_is_told_from_damage(wrong: str | None) -> None:
    with pytest.raises(WrongPassphraseError):
        unpack(pack("text", "secret", PLENTY), wrong)


def test_a_passphrase_too_many_is_refused() -> None:
    # Somebody else could have put the text there.
    with pytest.raises(WrongPassphraseError, match="not encrypted"):
        unpack(pack("text", None, PLENTY), "secret")


@given(st.data())
def test_any_changed_bit_is_noticed(data: st.DataObject) -> None:
    body = pack("a text of some length", None, PLENTY)
    bit = data.draw(st.integers(0, 8 * len(body.data) - 1))
    changed = bytearray(body.data)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DamagedError):
        unpack(Body(body.flags, bytes(changed)), None)
    with pytest.raises(DamagedError):
        unpack(Body(body.flags ^ 1, body.data), None)


@pytest.mark.parametrize("passphrase", [None, "secret"])
def test_what_fits_to_the_byte_fits_and_no_more(passphrase: str | None) -> None:
    encrypted = passphrase is not None
    capacity = 20 + payload.overhead(encrypted=encrypted)
    text = "abcdefghijklmnopqrst"
    assert len(pack(text, passphrase, capacity).data) == capacity
    with pytest.raises(TextTooLongError, match="21 bytes: the picture has room for 20") as caught:
        pack(text + "u", passphrase, capacity)
    assert (caught.value.needed, caught.value.available) == (21, 20)


def test_bytes_are_counted_not_characters() -> None:
    with pytest.raises(TextTooLongError) as caught:
        pack("ñ€😀", None, payload.CHECK_BYTES + 8)
    assert caught.value.needed == 9


def test_a_capacity_below_the_overhead_has_room_for_nothing() -> None:
    with pytest.raises(TextTooLongError) as caught:
        pack("text", None, 3)
    assert caught.value.available == 0


def test_a_few_bytes_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = pack("0" * 5000, None, PLENTY)
    monkeypatch.setattr(payload, "MAX_TEXT_BYTES", 1000)
    with pytest.raises(DamagedError):
        unpack(bomb, None)
    with pytest.raises(TextTooLongError):
        pack("0" * 1001, None, PLENTY)


def test_deflate_is_the_standard_one() -> None:
    body = pack("so it goes, " * 5, None, PLENTY)
    inflated = zlib.decompress(body.data[payload.CHECK_BYTES :], wbits=-15)
    assert inflated.decode() == "so it goes, " * 5


@pytest.mark.parametrize(("text", "passphrase"), [("\ud800", None), ("text", "")])
def test_what_cannot_be_is_refused(text: str, passphrase: str | None) -> None:
    with pytest.raises(ValueError, match=r"not valid Unicode|is empty"):
        pack(text, passphrase, PLENTY)
