"""A server of few lines that misbehaves as its arguments say; it imports nothing, so that it starts at once."""

import json
import os
import sys
import time

HOW = sys.argv[1] if len(sys.argv) > 1 else ""
TOOL = {"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}
ABOUT = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "tiny", "version": "1"}}
RESULTS = {"initialize": ABOUT, "tools/list": {"tools": [TOOL]}, "ping": {}}


def say(message: object) -> None:
    data = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    for at in range(0, len(data), 3 if HOW == "pieces" else len(data)):
        sys.stdout.buffer.write(data[at : at + 3] if HOW == "pieces" else data)
        sys.stdout.buffer.flush()


def main() -> None:
    if HOW == "child" and not os.fork():  # one more process, which would outlive this one
        time.sleep(600)
    if HOW == "deaf":
        time.sleep(600)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        id, method = message["id"], message["method"]
        if method in RESULTS:
            say({"jsonrpc": "2.0", "id": id, "result": RESULTS[method]})
        elif HOW == "die":
            os._exit(3)
        elif HOW == "hang":
            time.sleep(600)
        elif HOW == "long":
            say({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "x" * 5_000}]}})
        else:
            told = {"env": sorted(os.environ), "key": os.environ.get("KEY", ""), "cwd": os.getcwd()}  # noqa: PTH109 - starts at once
            for _ in range(40 if HOW == "pours" else 0):
                params = {"level": "info", "data": "x" * 200_000}
                say({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
            if HOW == "unasked":
                say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hé"}})
            say({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": json.dumps(told)}]}})


main()
