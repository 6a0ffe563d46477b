"""TwiML: the XML an application answers with, read strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree import ElementTree

from calls.simulator.webhooks import Answer

VERBS = frozenset(
    {"Connect", "Say", "Play", "Pause", "Gather", "Dial", "Hangup", "Redirect", "Record", "Reject"}
)
XML_TYPES = ("text/xml", "application/xml", "text/html")


class TwimlError(Exception):
    """A document that cannot be obeyed; `code` is Twilio's error number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Verb:
    """One instruction: its name, attributes, text and nested elements."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple[Verb, ...] = ()

    def number(self, name: str, default: float) -> float:
        """Return a numeric attribute.

        Raises:
            TwimlError: 12200, the attribute is not a number.
        """
        raw = self.attributes.get(name, "")
        try:
            return float(raw) if raw else default
        except ValueError:
            raise TwimlError(12200, f"{self.name} {name}={raw!r} is not a number") from None

    def child(self, name: str) -> Verb | None:
        """Return the first nested element of that name."""
        return next((child for child in self.children if child.name == name), None)


def document(answer: Answer) -> list[Verb]:
    """Return the instructions in an application's answer.

    Raises:
        TwimlError: 12300 for a content type that is no XML, 12100 and 12200 as in `parse`.
    """
    if answer.content_type.startswith("audio/"):
        return [Verb("Play", text=answer.url)]
    if answer.content_type not in XML_TYPES:
        raise TwimlError(12300, f"content type {answer.content_type!r} is not XML")
    return parse(answer.body)


def parse(body: bytes | str) -> list[Verb]:
    """Return the instructions of a TwiML document; an empty body has none.

    Raises:
        TwimlError: 12100 for a document that is not XML, 12102 for another root element,
            12200 for a verb that does not exist.
    """
    if not body.strip():
        return []
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  written by the application under test
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12102, f"the root element is <{root.tag}>, not <Response>")
    verbs = [_verb(element) for element in root]
    for verb in verbs:
        if verb.name not in VERBS:
            raise TwimlError(12200, f"<{verb.name}> is not a TwiML verb")
    return verbs


def _verb(element: ElementTree.Element) -> Verb:
    text = "".join(element.itertext()).strip()
    return Verb(str(element.tag), dict(element.attrib), text, tuple(_verb(e) for e in element))
