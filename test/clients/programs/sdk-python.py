"""A session with the Python SDK: see README.md, “Programs”."""

import asyncio
import json
import os
import sys
import threading

from mcp import Client, MCPError, StdioServerParameters, types

lines: asyncio.Queue = asyncio.Queue()
OPENS = bool(os.environ.get("FAIRLEAD_TEST_OPENS"))
MODES = {"legacy": "legacy", "auto": "auto", "modern": "2026-07-28"}


def say(line):
    print(json.dumps(line), flush=True)


async def open_page(url, elicitation_id=None):
    say({"open": url, "elicitationId": elicitation_id})
    await lines.get()


async def user(context, params):
    if params.mode != "url":
        return types.ElicitResult(action="decline")
    await open_page(params.url, getattr(params, "elicitation_id", None))
    return types.ElicitResult(action="accept")


async def opened(call):
    """Makes a call, and again after the pages are open that it needs: the error -32042."""
    while True:
        try:
            return await call()
        except MCPError as e:
            if e.error.code != -32042 or not OPENS:
                raise
            for one in e.error.data["elicitations"]:
                await open_page(one["url"], one["elicitationId"])


def reply(result):
    say({"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)})


async def main():
    era, *rest = sys.argv[1:]
    target = StdioServerParameters(command=rest[1], args=rest[2:]) if rest[0] == "stdio" else rest[0]
    loop = asyncio.get_running_loop()

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    who = types.Implementation(name="fairlead-test", version="1")
    async with Client(target, mode=MODES[era], client_info=who, elicitation_callback=user if OPENS else None) as client:
        say({"protocolVersion": client.protocol_version, "serverInfo": {"name": getattr(client.server_info, "name", None)}})
        while (line := await lines.get()) is not None:
            step = json.loads(line)
            params = step.get("params", {})
            try:
                if step["method"] == "tools/list":
                    reply(await client.list_tools())
                else:
                    reply(await opened(lambda: client.call_tool(params["name"], params.get("arguments", {}))))
            except MCPError as e:
                say({"error": {"code": e.error.code, "message": e.error.message}})


asyncio.run(main())
