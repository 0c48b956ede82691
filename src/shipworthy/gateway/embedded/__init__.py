"""The gateway's guards in a product's own process: before its clients (`httpx`, `aiohttp`), or its app (`asgi`)."""
