"""Text in English and Spanish side by side, so that who changes one sees the other."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "es"]

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first of these that is set names the language of messages (POSIX, section 8.2)."""


@dataclass(frozen=True)
class Text:
    """The same words twice; ``text["es"]`` is the Spanish ones.

    Raises:
        ValueError: If one of them is empty.
    """

    en: str
    es: str

    def __post_init__(self) -> None:
        """Refuse half a text."""
        for language, words in (("en", self.en), ("es", self.es)):
            if not words:
                raise ValueError(f"a text lacks its {language!r}: {self}")

    def __getitem__(self, language: Language) -> str:
        """The words in this language."""
        return self.en if language == "en" else self.es


def in_language(words: Text | str, language: Language) -> str:
    """Words that may be the same in every language, as a formula is."""
    return words if isinstance(words, str) else words[language]


def locale_language(environment: Mapping[str, str] = os.environ) -> Language:
    """Spanish if the locale's messages are in Spanish, otherwise English."""
    locale = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    return "es" if locale.split("_")[0].split(".")[0].lower() == "es" else "en"
