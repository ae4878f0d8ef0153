"""An independent HTTP/3 client (aioquic) for tests/interop.rs.

Each case talks to the server under test and prints one JSON object with what it saw; the Rust
side judges. Nothing here knows what the right bytes are.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import sys
import time

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated,
    HandshakeCompleted,
    ProtocolNegotiated,
    StreamReset,
)
from aioquic.quic.logger import QuicLogger
from aioquic.quic.packet import QuicProtocolVersion

GREASED_VERSION = 0x1A2A3A4A


class Client(QuicConnectionProtocol):
    """One HTTP/3 connection; answers are collected per stream."""

    def __init__(self, quic, authority):
        super().__init__(quic)
        self.authority = authority
        self.http = None
        self.resumed = None
        self.answers = {}
        self.waiting = {}
        self.received = 0
        self.half_way = None
        self.ended = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        elif isinstance(event, HandshakeCompleted):
            self.resumed = event.session_resumed
        elif isinstance(event, ConnectionTerminated):
            self.ended = event
            for waiter in self.waiting.values():
                if not waiter.done():
                    waiter.set_exception(ConnectionError(repr(event)))
        elif isinstance(event, StreamReset):
            waiter = self.waiting.get(event.stream_id)
            if waiter and not waiter.done():
                waiter.set_exception(ConnectionError(repr(event)))
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self.http_event(http_event)

    def http_event(self, event):
        if not isinstance(event, (HeadersReceived, DataReceived)):
            return
        answer = self.answers[event.stream_id]
        if isinstance(event, HeadersReceived):
            answer["headers"] = {k.decode(): v.decode() for k, v in event.headers}
        else:
            answer["hash"].update(event.data)
            answer["length"] += len(event.data)
            self.received += len(event.data)
            if self.half_way and self.received >= self.half_way[0]:
                self.half_way[1].set()
                self.half_way = None
        if event.stream_ended:
            self.waiting[event.stream_id].set_result(None)

    async def get(self, path):
        stream = self._quic.get_next_available_stream_id()
        self.waiting[stream] = asyncio.get_running_loop().create_future()
        self.answers[stream] = {"hash": hashlib.sha256(), "length": 0, "headers": {}}
        head = [
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", self.authority.encode()),
            (b":path", path.encode()),
            (b"user-agent", b"interop"),
        ]
        self.http.send_headers(stream, head, end_stream=True)
        self.transmit()
        await self.waiting[stream]
        del self.waiting[stream]
        answer = self.answers.pop(stream)
        return {
            "status": int(answer["headers"].get(":status", 0)),
            "length": answer["length"],
            "sha256": answer["hash"].hexdigest(),
            "headers": answer["headers"],
        }

    async def rebind(self, address):
        """Goes on from a new port, and perhaps a new address, as after a NAT rebinding."""
        loop = asyncio.get_running_loop()
        old = self._transport
        await loop.create_datagram_endpoint(lambda: self, local_addr=(address, 0))
        old.close()
        return self._transport.get_extra_info("sockname")

    def connection_lost(self, error):
        """A replaced socket closes; the connection lives on."""


class Case:
    """What the command line asks for, and the log that proves what happened."""

    def __init__(self, args):
        self.args = args
        self.logger = QuicLogger()
        self.ticket = None

    def configuration(self, **more):
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=H3_ALPN,
            server_name="localhost",
            quic_logger=self.logger,
            supported_versions=[QuicProtocolVersion.VERSION_1],
            **more,
        )
        configuration.load_verify_locations(cafile=self.args.ca)
        return configuration

    @contextlib.asynccontextmanager
    async def connect(self, address="127.0.0.1", **more):
        loop = asyncio.get_running_loop()
        quic = QuicConnection(
            configuration=self.configuration(**more),
            session_ticket_handler=self.keep_ticket,
        )
        _, client = await loop.create_datagram_endpoint(
            lambda: Client(quic, f"localhost:{self.args.port}"), local_addr=(address, 0)
        )
        client.connect(("127.0.0.1", self.args.port))
        await client.wait_connected()
        try:
            yield client
        finally:
            client.close()
            await client.wait_closed()
            client._transport.close()

    def keep_ticket(self, ticket):
        self.ticket = ticket

    def events(self, name):
        traces = self.logger.to_dict()["traces"]
        return [e for t in traces for e in t["events"] if e["name"] == name]

    def received_types(self):
        packets = self.events("transport:packet_received")
        return [p["data"]["header"]["packet_type"] for p in packets]


async def transfer(case):
    """Handshake and one transfer."""
    async with case.connect() as client:
        return {"answers": [await client.get(case.args.path)]}


async def retry(case):
    """The same; the server is expected to have asked for a proven address first."""
    seen = await transfer(case)
    return seen | {"retried": "retry" in case.received_types()}


async def resumption(case):
    """Two connections; the second one resumes the session of the first."""
    async with case.connect() as client:
        first = await client.get(case.args.path)
        before = client.resumed
        while case.ticket is None:
            await client.ping()
    async with case.connect(session_ticket=case.ticket) as client:
        second = await client.get(case.args.path)
        return {"answers": [first, second], "resumed": [before, client.resumed]}


async def key_update(case):
    """Three key updates between transfers of one connection."""
    async with case.connect() as client:
        answers = [await client.get(case.args.path)]
        for _ in range(3):
            client.request_key_update()
            await client.ping()
            answers.append(await client.get(case.args.path))
    return {"answers": answers, "key_updates": len(case.events("security:key_updated"))}


async def version_negotiation(case):
    """Begins with a version nobody speaks; the server names those it does."""
    versions = [GREASED_VERSION, QuicProtocolVersion.VERSION_1]
    original = case.configuration

    def configuration(**more):
        made = original(**more, original_version=GREASED_VERSION)
        made.supported_versions = versions
        return made

    case.configuration = configuration
    async with case.connect() as client:
        answer = await client.get(case.args.path)
        negotiated = client._quic._version
    return {
        "answers": [answer],
        "negotiated": "version_negotiation" in case.received_types(),
        "version": int(negotiated),
    }


async def moved(case, address):
    """A transfer during which the client's port (and address) changes."""
    async with case.connect() as client:
        half = asyncio.Event()
        client.half_way = (case.args.length // 3, half)
        running = asyncio.ensure_future(client.get(case.args.path))
        await half.wait()
        before = client._transport.get_extra_info("sockname")
        if address != "127.0.0.1":
            client.change_connection_id()
        after = await client.rebind(address)
        at_move = client.received
        answer = await running
        # The connection goes on after the move, with a request of its own.
        again = await client.get(case.args.path)
        return {
            "answers": [answer, again],
            "from": list(before[:2]),
            "to": list(after[:2]),
            "received_when_moved": at_move,
        }


async def port_rebind(case):
    return await moved(case, "127.0.0.1")


async def address_change(case):
    return await moved(case, "127.0.0.2")


async def concurrent(case):
    """A hundred requests at once on one connection."""
    async with case.connect() as client:
        asked = [client.get(case.args.path) for _ in range(case.args.requests)]
        return {"answers": list(await asyncio.gather(*asked))}


CASES = {
    f.__name__: f
    for f in (
        transfer,
        retry,
        resumption,
        key_update,
        version_negotiation,
        port_rebind,
        address_change,
        concurrent,
    )
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--length", type=int, default=0)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--timeout", type=float, default=40.0)
    args = parser.parse_args()
    case = Case(args)
    began = time.monotonic()
    seen = asyncio.run(asyncio.wait_for(CASES[args.case](case), args.timeout))
    seen["seconds"] = round(time.monotonic() - began, 3)
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
