"""The process of a client that will be killed: reads a room, and notes what it reads in a file.

guest.py URL ROOM FILE [FIRST LAST]: it says the sentences of these numbers, if they are given.
"""

import asyncio
import sys
from pathlib import Path

from tests.chaos.person import Person


async def main() -> None:
    """Until it is killed."""
    url, room, path, *numbers = sys.argv[1:]
    with Path(path).open("w", encoding="utf-8") as notes:
        said = range(*map(int, numbers)) if numbers else ()
        await Person(url, room, ["es"], notes, said).live()


if __name__ == "__main__":
    asyncio.run(main())
