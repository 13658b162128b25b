from __future__ import annotations

import pickle

import pytest

from connectors.errors import CannotOpen, InvalidCredential
from connectors.sealing import (
    KeyRing,
    PrivateKey,
    PublicKey,
    generate_key_pair,
    open_sealed,
    reseal,
    seal,
    sealed_key_id,
)

SECRET = b"eyJhbGciOi-canary-token"


@pytest.fixture
def pair() -> tuple[PublicKey, PrivateKey]:
    return generate_key_pair()


def test_what_was_sealed_opens_for_its_own_row(pair: tuple[PublicKey, PrivateKey]) -> None:
    public, private = pair

    assert open_sealed(KeyRing([private]), seal(public, SECRET, row="cluster:7"), row="cluster:7") == SECRET


def test_another_row_s_ciphertext_does_not_open(pair: tuple[PublicKey, PrivateKey]) -> None:
    public, private = pair

    with pytest.raises(CannotOpen):
        open_sealed(KeyRing([private]), seal(public, SECRET, row="cluster:7"), row="cluster:8")


def test_a_key_that_is_not_in_the_ring_opens_nothing(pair: tuple[PublicKey, PrivateKey]) -> None:
    _, other = generate_key_pair()

    with pytest.raises(CannotOpen) as caught:
        open_sealed(KeyRing([other]), seal(pair[0], SECRET, row="r"), row="r")

    assert caught.value.details == {"key_id": pair[0].key_id}


def test_a_foreign_key_under_the_right_id_opens_nothing(pair: tuple[PublicKey, PrivateKey]) -> None:
    other_public, other = generate_key_pair()
    renamed = seal(pair[0], SECRET, row="r").replace(pair[0].key_id, other_public.key_id)

    with pytest.raises(CannotOpen):
        open_sealed(KeyRing([other]), renamed, row="r")


def test_any_changed_character_is_noticed(pair: tuple[PublicKey, PrivateKey]) -> None:
    public, private = pair
    sealed = seal(public, SECRET, row="r")

    for position in range(len(sealed)):
        changed = sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
        with pytest.raises(CannotOpen):
            open_sealed(KeyRing([private]), changed, row="r")


@pytest.mark.parametrize("text", ["", "sp1", "sp1.x", "sp2.a.b", "sp1.a.b.c", "sp1..", "gAAAAABmFernet"])
def test_what_is_no_sealed_credential_is_said_to_be_none(text: str, pair: tuple[PublicKey, PrivateKey]) -> None:
    with pytest.raises(CannotOpen):
        open_sealed(KeyRing([pair[1]]), text, row="r")


def test_the_same_secret_never_looks_the_same_twice(pair: tuple[PublicKey, PrivateKey]) -> None:
    assert seal(pair[0], SECRET, row="r") != seal(pair[0], SECRET, row="r")


def test_nothing_but_text_shows_a_private_key(pair: tuple[PublicKey, PrivateKey]) -> None:
    _, private = pair
    ring = KeyRing([private])

    for shown in (repr(private), str(private), repr(ring), f"{ring}"):
        assert private.text() not in shown
        assert private.raw.hex() not in shown
        assert repr(private.raw) not in shown
    for holder in (private, ring):
        with pytest.raises(TypeError):
            pickle.dumps(holder)


def test_keys_travel_as_text_and_come_back(pair: tuple[PublicKey, PrivateKey]) -> None:
    public, private = pair

    assert PublicKey.from_text(public.text()) == public
    assert PrivateKey.from_text(f" {private.text()}\n") == private
    assert KeyRing.from_texts([private.text()]).key_ids == {public.key_id}


@pytest.mark.parametrize("text", ["", "sp-key-", "sp-key-AAAA", "sp-pub-!!!!", "AAAA" * 11])
def test_a_broken_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(InvalidCredential) as caught:
        PrivateKey.from_text(text)

    assert len(text) < 8 or text not in str(caught.value)


def test_rotation_moves_a_row_to_the_new_key_and_leaves_moved_rows_alone(pair: tuple[PublicKey, PrivateKey]) -> None:
    old_public, old = pair
    new_public, new = generate_key_pair()
    both = KeyRing([new, old])

    moved = reseal(both, seal(old_public, SECRET, row="r"), row="r", public_key=new_public)

    assert sealed_key_id(moved) == new_public.key_id
    assert open_sealed(KeyRing([new]), moved, row="r") == SECRET
    assert reseal(both, moved, row="r", public_key=new_public) == moved
