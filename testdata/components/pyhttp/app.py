"""A handler of wasi:http 0.2, on an event loop: /echo, /fetch and /trap as in testdata/guests/wasip2/http, else hello."""

import asyncio
from urllib.parse import urlsplit

import poll_loop
from componentize_py_types import Err, Ok
from poll_loop import PollLoop, Sink, Stream
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    IncomingResponse,
    Method_Get,
    OutgoingBody,
    OutgoingRequest,
    OutgoingResponse,
    ResponseOutparam,
    Scheme_Http,
    Scheme_Https,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, out: ResponseOutparam) -> None:
        loop = PollLoop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(handle(request, out))


def answer(out: ResponseOutparam, status: int, fields: list[tuple[str, bytes]]) -> Sink:
    response = OutgoingResponse(Fields.from_list(fields))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    return Sink(body)


async def text(out: ResponseOutparam, status: int, content: str) -> None:
    sink = answer(out, status, [("content-type", b"text/plain")])
    await sink.send(content.encode())
    sink.close()


async def copy(stream: Stream, sink: Sink) -> int:
    length = 0
    while (chunk := await stream.next()) is not None:
        length += len(chunk)
        await sink.send(chunk)
    return length


async def handle(request: IncomingRequest, out: ResponseOutparam) -> None:
    match (request.path_with_query() or "").split("?")[0]:
        case "/echo":
            types = request.headers().get("content-type")
            sink = answer(out, 200, [("content-type", value) for value in types] + [("trailer", b"x-bytes")])
            length = await copy(Stream(request.consume()), sink)
            sink.stream.__exit__(None, None, None)
            OutgoingBody.finish(sink.body, Fields.from_list([("x-bytes", str(length).encode())]))
        case "/fetch":
            try:
                response = await fetch(request)
            except Err as error:
                await text(out, 502, f"{error.value}\n")
            else:
                sink = answer(out, response.status(), copied(response.headers()))
                await copy(Stream(response.consume()), sink)
                sink.close()
        case "/trap":
            raise ValueError("on purpose")
        case _:
            await text(out, 200, "Hello from Python\n")


def copied(fields: Fields) -> list[tuple[str, bytes]]:
    """The fields that say something of a body or of the answer, not those of the connection."""
    return [f for f in fields.entries() if f[0].startswith("x-") and f[0] != "x-url" or f[0] == "content-type"]


async def fetch(request: IncomingRequest) -> IncomingResponse:
    url = urlsplit(request.headers().get("x-url")[0].decode())
    onward = OutgoingRequest(Fields.from_list(copied(request.headers())))
    onward.set_method(request.method())
    onward.set_scheme(Scheme_Https() if url.scheme == "https" else Scheme_Http())
    onward.set_authority(url.netloc)
    onward.set_path_with_query(url.path or "/")
    if isinstance(request.method(), Method_Get):
        return await poll_loop.send(onward)
    sink = Sink(onward.body())
    response = asyncio.ensure_future(poll_loop.send(onward))
    await copy(Stream(request.consume()), sink)
    sink.close()
    return await response
