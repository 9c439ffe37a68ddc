"""The process of a translator that speaks OpenAI's chat: the port it listens on is its argument."""

import asyncio
import sys
from typing import Any

from tests.chaos.sentences import translated
from tests.models.sglang.double import Double
from tests.models.sglang.test_openai import CHAT, chat


def answer(body: Any) -> bytes:
    """The last thing that was said, in the other language."""
    return chat(translated(body["messages"][-1]["content"]))


async def main() -> None:
    """Until it is killed."""
    server = Double(answers={CHAT: answer}, url=f"http://127.0.0.1:{sys.argv[1]}")
    await server.start()
    print("ready", flush=True)
    while True:
        await asyncio.sleep(1)
        server.asked.clear()


if __name__ == "__main__":
    asyncio.run(main())
