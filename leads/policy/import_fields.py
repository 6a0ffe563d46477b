"""Which column of a file holds what: by its name, or by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from leads.policy.phones import InvalidPhone, phone_parse
from leads.policy.places import states

FIELDS: Final[Mapping[str, str]] = {
    "phone": "Phone",
    "first_name": "First name",
    "last_name": "Last name",
    "full_name": "Full name",
    "email": "E-mail",
    "kind": "Kind of lead",
    "street": "Street",
    "city": "City",
    "state": "US state",
    "postal_code": "ZIP code",
    "source": "Source",
    "tags": "Tags",
    "do_not_call": "Do not call",
    "consent_text": "Consent: exact words",
    "consent_seller": "Consent: business named",
    "consent_source": "Consent: form or certificate",
    "consent_date": "Consent: when given",
    "custom": "Keep as a custom field",
}
"""What a column can be. "custom" may be chosen for many columns, all others for one."""

_SYNONYMS: Final[Mapping[str, str]] = {
    "phone": "phone phonenumber phone1 mobile mobilephone mobilenumber cell cellphone cellnumber "
    "telephone tel telephonenumber contactnumber number primaryphone homephone phonee164 "
    "bestphone callerid whatsapp",
    "first_name": "firstname first fname givenname forename ownerfirstname contactfirstname",
    "last_name": "lastname last lname surname familyname ownerlastname contactlastname",
    "full_name": "name fullname contact contactname ownername leadname clientname customer "
    "customername owner1name",
    "email": "email emailaddress mail emailid primaryemail contactemail",
    "kind": "kind leadtype type leadkind interest category intent",
    "street": "street address address1 streetaddress addressline1 propertyaddress mailingaddress "
    "siteaddress addr street1",
    "city": "city town propertycity mailingcity addresscity locality",
    "state": "state province st propertystate mailingstate usstate addressstate region",
    "postal_code": "zip zipcode postalcode postcode propertyzip mailingzip zip5 addresszip",
    "source": "source leadsource origin campaignsource utmsource",
    "tags": "tags tag labels label groups",
    "do_not_call": "donotcall dnc dncflag optout optedout dontcall donotcontact dncstatus",
    "consent_text": "consenttext consentlanguage consentwording disclosuretext optintext "
    "consentwords tcpalanguage tcpatext",
    "consent_seller": "consentseller seller consentbusiness consentcompany consentto",
    "consent_source": "consentsource consentform optinsource trustedform trustedformurl "
    "consenturl consentcertificate jornayaid leadid certificate",
    "consent_date": "consentdate consentgiven consentgivenat consentat consenttime "
    "consenttimestamp optindate optintimestamp consentdatetime",
}
_BY_NAME: Final = {word: field for field, words in _SYNONYMS.items() for word in words.split()}
_CONSENT: Final = frozenset({"consent_text", "consent_seller", "consent_date"})
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ZIP: Final = re.compile(r"\d{5}(-\d{4})?")
# A column is taken for what most of its filled cells are.
_MOST: Final = 0.6


def name_plain(column: str) -> str:
    """Return a column's name without its spelling: "E-Mail Address" and "email_address" agree."""
    return re.sub(r"[^a-z0-9]", "", column.lower())


def is_phone(cell: str) -> bool:
    """Whether a cell can be called, as a person in the US would read it."""
    try:
        phone_parse(cell)
    except InvalidPhone:
        return False
    return True


def header_there(first_row: Sequence[str]) -> bool:
    """Whether a first row names columns rather than holding a lead."""
    return not any(is_phone(cell) or _EMAIL.fullmatch(cell.strip()) for cell in first_row)


def mapping_guess(
    columns: Sequence[str],
    samples: Sequence[Sequence[str]],
    *,
    remembered: Mapping[str, str] | None = None,
) -> list[str]:
    """Return a field for each column, "" where there is none.

    What was chosen for the source the last time wins, then the column's name, then what stands in
    it. No field but "custom" is given twice.
    """
    guess = [""] * len(columns)
    known = {name_plain(name): field for name, field in (remembered or {}).items()}
    sure = [known.get(name_plain(column)) for column in columns]
    for index, last_time in enumerate(sure):
        if last_time and last_time in FIELDS and _free(last_time, guess):
            guess[index] = last_time
    for index, column in enumerate(columns):
        field = _BY_NAME.get(name_plain(column), "")
        # A column that was left out on purpose the last time stays out.
        if not guess[index] and sure[index] is None and field and _free(field, guess):
            guess[index] = field
    for field, test in (
        ("phone", is_phone),
        ("email", lambda cell: bool(_EMAIL.fullmatch(cell))),
        ("state", lambda cell: cell.upper() in states()),
        ("postal_code", lambda cell: bool(_ZIP.fullmatch(cell))),
    ):
        if not _free(field, guess):
            continue
        for index in range(len(columns)):
            if guess[index] or sure[index] is not None:
                continue
            cells = [row[index].strip() for row in samples if index < len(row) and row[index]]
            if cells and sum(map(test, cells)) / len(cells) >= _MOST:
                guess[index] = field
                break
    # "Seller" or "source" alone tell of other things: a consent is only guessed whole.
    if not set(guess) >= _CONSENT:
        guess = ["" if field.startswith("consent_") else field for field in guess]
    if "full_name" in guess and ("first_name" in guess or "last_name" in guess):
        guess[guess.index("full_name")] = ""
    return guess


def mapping_problems(mapping: Sequence[str]) -> list[str]:
    """Return what is wrong with a choice of columns, in words."""
    problems = []
    if "phone" not in mapping:
        problems.append("Choose the column that holds the phone number: a lead is its number.")
    for field in FIELDS:
        if field != "custom" and list(mapping).count(field) > 1:
            problems.append(f"“{FIELDS[field]}” is chosen for two columns: choose one of them.")
    unknown = sorted({field for field in mapping if field and field not in FIELDS})
    if unknown:
        problems.append(f"There is no field “{unknown[0]}”. Use one of: {', '.join(FIELDS)}.")
    if _CONSENT & set(mapping) and not set(mapping) >= _CONSENT:
        missing = ", ".join(FIELDS[field] for field in sorted(_CONSENT - set(mapping)))
        problems.append(f"A consent proves nothing without all its parts. Missing: {missing}.")
    return problems


def _free(field: str, guess: Sequence[str]) -> bool:
    return field == "custom" or field not in guess
