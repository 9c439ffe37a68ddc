"""Whoever starts a server of ours for itself holds a pipe to it: when that ends, so does the
server, however its parent went."""

import asyncio


def watch(descriptor: int, stop: asyncio.Event) -> None:
    """Set `stop` once the other end of the pipe is closed, or says anything."""
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(descriptor)  # an end stays readable: the loop would do nothing else
        stop.set()

    loop.add_reader(descriptor, gone)
