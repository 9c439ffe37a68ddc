"""Words of a command line as values; argparse prints what is wrong with one in a sentence."""

import argparse
from textwrap import fill

from streaming import languages

EXIT_CODES = "exit codes: 0 done, 1 it failed (a sentence says why), 2 a wrong call, 130 Ctrl-C"


def parser(command: str, about: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose help ends with examples to copy."""
    return argparse.ArgumentParser(
        prog=f"surtitle {command}",
        description=fill(about, 80),
        epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def language(word: str) -> str:
    """One language code."""
    try:
        return languages.check(word.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def several(word: str) -> list[str]:
    """Language codes with commas between them; "none" is none."""
    if word == "none":
        return []
    return list(dict.fromkeys(language(code) for code in word.split(",")))


def speed(word: str) -> float | None:
    """How many times real time; None for "max"."""
    if word == "max":
        return None
    try:
        value = float(word)
        if not 0.1 <= value <= 100:
            raise ValueError
    except ValueError:
        text = f"{word!r} is no speed: use 1 for real time, a number up to 100, or max"
        raise argparse.ArgumentTypeError(text) from None
    return value


def rate(word: str) -> int:
    """Samples a second of raw audio."""
    try:
        value = int(word)
        if not 8_000 <= value <= 192_000:
            raise ValueError
    except ValueError:
        text = f"{word!r} is no sample rate: use 8000 to 192000, such as 16000"
        raise argparse.ArgumentTypeError(text) from None
    return value


def seconds(word: str) -> float:
    """A length of time."""
    try:
        value = float(word)
        if not 0 < value < 86_400:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds") from None
    return value
