"""WebRTC as one server has it, from its configuration."""

from aiohttp import web
from aiortc import RTCIceServer

from server.house import House

from .calls import Calls
from .offer import Reach
from .whip import routes

EVERYWHERE = ("0.0.0.0", "::", "")


class Taken:
    """The calls of one server, and the routes by which they come."""

    def __init__(self, house: House) -> None:
        """The house must have its engines."""
        assert house.engines is not None
        config = house.config
        host = "127.0.0.1" if config.host == "localhost" else config.host
        self.calls = Calls(
            house.engines.clock,
            house.metrics,
            Reach(loopback=config.loopback, private=config.private),
            [] if host in EVERYWHERE else [host],
            [ice_server(url, config.turn) for url in config.ice_servers],
        )
        self.routes: list[web.RouteDef] = routes(house, self.calls)

    async def close(self) -> None:
        """End all calls."""
        await self.calls.close()


def ice_server(url: str, who: str) -> RTCIceServer:
    """As aiortc takes it; `who`: name:password, for TURN."""
    if url.startswith("stun"):
        return RTCIceServer(url)
    name, _, password = who.partition(":")
    return RTCIceServer(url, username=name, credential=password)
