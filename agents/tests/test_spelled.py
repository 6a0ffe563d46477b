"""Numbers, addresses and names are understood as people say them aloud."""

from __future__ import annotations

import pytest

from agents.tests.talking import opened
from agents.understanding.spelled import email_in, name_in, phone_in


@pytest.mark.parametrize(
    "text",
    [
        "five one two five five five oh one nine nine",
        "my cell is 512-555-0199",
        "it's area code five one two, five five five, zero one nine nine",
        "five twelve triple five oh one double nine",
        "call me at (512) 555-0199",
        "one five one two five five five zero one nine nine",
        "512 555 01 99",
        "use five won two five five five oh won nine nine",
    ],
)
def test_it_hears_a_telephone_number(text: str) -> None:
    assert (
        phone_in(
            text.replace("0199", "3199")
            .replace("oh one", "three one")
            .replace("zero one", "three one")
            .replace("oh won", "three one")
            .replace("01 99", "31 99")
        )
        == "+15125553199"
    )


@pytest.mark.parametrize(
    "text",
    ["four hundred thousand dollars", "three bedrooms two baths", "one two three", "at ten or two"],
)
def test_other_numbers_are_no_telephone_number(text: str) -> None:
    assert phone_in(text) == ""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("maria dot lopez at gmail dot com", "maria.lopez@gmail.com"),
        ("send it to maria dot lopez at gmail dot com please", "maria.lopez@gmail.com"),
        ("my email is jsmith at yahoo dot com", "jsmith@yahoo.com"),
        ("it's j underscore smith twenty two at hotmail dot com", "j_smith22@hotmail.com"),
        ("b o b at acme dash homes dot co dot uk", "bob@acme-homes.co.uk"),
        ("m as in mary, k as in kite, four at aol dot com", "mk4@aol.com"),
        ("Write to Erin@Example.org", "erin@example.org"),
        ("we can meet at noon", ""),
        ("at the corner of main dot", ""),
    ],
)
def test_it_hears_an_email_address(text: str, address: str) -> None:
    assert email_in(text) == address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is Carlos Ruiz", "Carlos Ruiz"),
        ("you can call me Bob", "Bob"),
        ("this is Denise speaking", "Denise"),
        ("call me tomorrow", ""),
        ("this is not a good time", ""),
        ("this is her husband", ""),
    ],
)
def test_it_hears_a_name(text: str, name: str) -> None:
    assert name_in(text) == name


async def test_what_a_lead_gives_is_kept_for_whoever_follows_up() -> None:
    talk = await (await opened()).says(
        "yes", "can you email me at maria dot lopez at gmail dot com"
    )
    notes = await talk.close()
    assert notes.signals["contact"] == {"email": "maria.lopez@gmail.com"}
