"""How telephone numbers are written."""

from __future__ import annotations

from typing import Any

import phonenumbers
from phonenumber_field.phonenumber import PhoneNumber


def national(phone: Any) -> str:
    """Return a number in its national form, such as (512) 555-0100, or as it is if unreadable."""
    if not phone:
        return ""
    if not isinstance(phone, PhoneNumber):
        try:
            phone = phonenumbers.parse(str(phone), "US")
        except phonenumbers.NumberParseException:
            return str(phone)
    if phone.country_code is None:  # of an erased lead, or never valid
        return "–" if str(phone).startswith("erased-") else str(phone)
    return phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.NATIONAL)
