"""A server that was started by another process ends with it."""

import asyncio
import os

from models import parent


async def test_a_server_whose_parent_is_gone_stops_and_looks_no_more() -> None:
    ours, theirs = os.pipe()
    stop = asyncio.Event()
    parent.watch(ours, stop)
    assert not stop.is_set()
    os.close(theirs)
    await stop.wait()
    assert not asyncio.get_running_loop().remove_reader(ours)  # it would spin while it finishes
    os.close(ours)
