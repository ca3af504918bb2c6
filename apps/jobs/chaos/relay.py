"""A way to a server that can be cut: `python -m apps.jobs.chaos.relay FROM_PORT TO_PORT`.

Whoever is under way when it is killed sees the connection break in the middle, as with the server itself.
"""

import asyncio
import sys
from contextlib import suppress


async def relay(listen: int, target: int) -> None:
    """Pass on what comes to the port `listen` of loopback to `target`, and back, for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass(reader, back), _pass(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", listen)
    async with server:
        await server.serve_forever()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2])))
