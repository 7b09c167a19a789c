"""aiohttp's client."""

from __future__ import annotations

from toolkit_https.clients.kinds import Script

_SOURCE = """
import aiohttp, asyncio, ssl, sys
verifying = ssl.create_default_context(cafile=sys.argv[2])

async def main():
    limit = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=limit) as session:
        async with session.get(sys.argv[1], ssl={}) as answer:
            answer.raise_for_status()

asyncio.run(main())
"""


def _sources(_told: str) -> tuple[tuple[str, str, bool], ...]:
    return (
        ("aiohttp", _SOURCE.format("verifying"), False),
        ("aiohttp ssl=False", _SOURCE.format("False"), True),
    )


client = Script(
    name="aiohttp",
    module="aiohttp",
    probe="aiohttp.__version__",
    sources=_sources,
    remedy="{python} -m pip install aiohttp",
)
