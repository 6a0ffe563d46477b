"""Where the demo's leads live: somewhere it is legal to call at this very moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A region with telephone numbers that are set aside for fiction.

    Attributes:
        number_prefix: E.164 up to the digits that vary.
        digits: how many digits vary.
        first: the first fictional number, and `count`, how many there are.
    """

    city: str
    state: str
    time_zone: str
    number_prefix: str
    digits: int
    first: int
    count: int

    def numbers(self) -> Iterator[str]:
        """Yield every fictional number of the place in E.164 form."""
        for number in range(self.first, self.first + self.count):
            yield f"{self.number_prefix}{number:0{self.digits}d}"


def _american(city: str, state: str, time_zone: str, area_code: int) -> Place:
    # 555-0100 to 555-0199 are reserved for fiction in every North American area code (NANPA).
    return Place(city, state, time_zone, f"+1{area_code}555", 4, 100, 100)


# East to west, so that some place is inside legal hours at every moment of the day.
PLACES = (
    _american("New York", "NY", "America/New_York", 212),
    _american("Atlanta", "GA", "America/New_York", 404),
    _american("Chicago", "IL", "America/Chicago", 312),
    _american("Denver", "CO", "America/Denver", 303),
    _american("Phoenix", "AZ", "America/Phoenix", 602),
    _american("Seattle", "WA", "America/Los_Angeles", 206),
    _american("Honolulu", "HI", "Pacific/Honolulu", 808),
    # Ofcom keeps 020 7946 0000 to 0999 for drama, ACMA 02 5550 0000 to 9999. Only countries whose
    # price is on the list can be dialled.
    Place("London", "", "Europe/London", "+442079460", 3, 0, 1000),
    Place("Sydney", "", "Australia/Sydney", "+6125550", 4, 0, 1000),
)
