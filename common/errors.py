"""The one base of every refusal: a fact, in words that a person can act on."""

from typing import Any, ClassVar


class Refused(Exception):
    """An action that was asked for and not done; nothing has moved.

    Subclasses live beside the action that raises them, are named for the fact, and give a
    `code` that never changes and a translatable `sentence` with named placeholders.
    """

    code: ClassVar[str] = "refused"
    sentence: ClassVar[Any] = "This can't be done."

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        self.values = values

    def __str__(self) -> str:
        return str(self.sentence) % self.values


class NotFound(Refused):
    """What was asked for does not exist, or is not this person's to see."""

    code = "not_found"
    sentence = "Nothing of yours is found under %(what)s."
