"""How a connection ends whose client may have stopped to read."""

import asyncio

_LINGER_S = 1.0
"""How long a client has for what was written last."""


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close, once the client took what was written, or soon after: a full buffer would keep the connection for ever."""
    writer.close()
    try:
        async with asyncio.timeout(_LINGER_S):
            await writer.wait_closed()
    except OSError:  # TimeoutError is one
        writer.transport.abort()
