"""Numbers, addresses and names are understood as people say them aloud."""

from __future__ import annotations

import pytest

from agents.tests.talking import opened
from agents.understanding.spelled import email_in, name_in, phone_in


@pytest.mark.parametrize(
    "text",
    [
        "five one two five five five two oh one nine",
        "my cell is 512-555-2019",
        "it's area code five one two, five five five, two zero one nine",
        "five twelve triple five two oh one nine",
        "call me at (512) 555-2019",
        "one five one two five five five two zero one nine",
        "512 555 20 19",
        "use five won two five five five two oh won nine",
        "five one two double five five twenty nineteen",
    ],
)
def test_it_hears_a_telephone_number(text: str) -> None:
    assert phone_in(text) == "+15125552019"


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
        ("this is Carlos from next door", "Carlos"),
        ("call me tomorrow", ""),
        ("this is not a good time", ""),
        ("this is her husband", ""),
        ("this is Maria's husband", ""),
        ("my name is Carlos and this is Maria's phone", "Carlos"),
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
