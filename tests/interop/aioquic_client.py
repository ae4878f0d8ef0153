"""An independent HTTP/3 client (aioquic), driven by tests/interop/aioquic.rs.

Each case talks to the server under test and prints one JSON object with what it saw; the Rust
side judges. Nothing here knows what the right bytes are.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import sys

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

# Reserved for forcing version negotiation (RFC 9000, 15).
GREASED_VERSION = 0x1A2A3A4A


class Http(H3Connection):
    """The library holds every answer to its content-length; one to HEAD and a 304 have none of
    the content that the field speaks of (RFC 9110, 8.6)."""

    def __init__(self, quic):
        super().__init__(quic)
        self.without_content = set()

    def _check_content_length(self, stream):
        if stream.stream_id not in self.without_content:
            super()._check_content_length(stream)


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
        self.mark = None
        self.passed_mark = asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = Http(self._quic)
        elif isinstance(event, HandshakeCompleted):
            self.resumed = event.session_resumed
        elif isinstance(event, ConnectionTerminated):
            for waiter in self.waiting.values():
                fail(waiter, event)
        elif isinstance(event, StreamReset):
            fail(self.waiting.get(event.stream_id), event)
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self.http_event(http_event)

    def http_event(self, event):
        if not isinstance(event, (HeadersReceived, DataReceived)):
            return
        answer = self.answers[event.stream_id]
        if isinstance(event, HeadersReceived):
            answer["headers"] = [[k.decode(), v.decode()] for k, v in event.headers]
        else:
            answer["hash"].update(event.data)
            answer["length"] += len(event.data)
            self.received += len(event.data)
            if self.mark is not None and self.received >= self.mark:
                self.passed_mark.set()
        if event.stream_ended:
            self.waiting[event.stream_id].set_result(None)

    async def ask(self, path, method="GET", fields=()):
        stream = self._quic.get_next_available_stream_id()
        self.waiting[stream] = asyncio.get_running_loop().create_future()
        self.answers[stream] = {"hash": hashlib.sha256(), "length": 0, "headers": []}
        head = [
            (b":method", method.encode()),
            (b":scheme", b"https"),
            (b":authority", self.authority.encode()),
            (b":path", path.encode()),
            (b"user-agent", b"interop"),
        ]
        head += [(name.encode(), value.encode()) for name, value in fields]
        if method == "HEAD" or any(name == "if-none-match" for name, _ in fields):
            self.http.without_content.add(stream)
        self.http.send_headers(stream, head, end_stream=True)
        self.transmit()
        await self.waiting[stream]
        del self.waiting[stream]
        answer = self.answers.pop(stream)
        return {
            "status": int(dict(answer["headers"])[":status"]),
            "length": answer["length"],
            "sha256": answer["hash"].hexdigest(),
            "headers": answer["headers"],
        }

    async def move(self, address):
        """Goes on from another port, and perhaps another address."""
        loop = asyncio.get_running_loop()
        old = self._transport
        await loop.create_datagram_endpoint(lambda: self, local_addr=(address, 0))
        old.close()

    def place(self):
        return list(self._transport.get_extra_info("sockname")[:2])

    def connection_lost(self, _error):
        """A socket that was replaced closes; the connection lives on."""


def fail(waiter, event):
    if waiter is not None and not waiter.done():
        waiter.set_exception(ConnectionError(repr(event)))


class Case:
    """What the command line asks for, and the log that proves what happened."""

    def __init__(self, args):
        self.args = args
        self.logger = QuicLogger() if args.log else None
        self.ticket = None

    def configuration(self, **more):
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=H3_ALPN,
            server_name="localhost",
            quic_logger=self.logger,
            **{"supported_versions": [QuicProtocolVersion.VERSION_1]} | more,
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
            lambda: Client(quic, self.args.authority), local_addr=(address, 0)
        )
        client.connect(("127.0.0.1", self.args.port))
        await client.wait_connected()
        yield client
        client.close()
        await client.wait_closed()
        client._transport.close()

    def keep_ticket(self, ticket):
        self.ticket = ticket

    def received(self, packet_type):
        """How many packets of a type came, by the library's own log."""
        packets = self.events("transport:packet_received")
        return sum(p["data"]["header"]["packet_type"] == packet_type for p in packets)

    def events(self, name):
        traces = self.logger.to_dict()["traces"]
        return [e for t in traces for e in t["events"] if e["name"] == name]


async def transfer(case):
    """Handshake and one transfer a path."""
    async with case.connect() as client:
        return {"answers": [await client.ask(path) for path in case.args.paths]}


async def lively(case):
    """The same by a client that says something now and then, as browsers do: one that only
    listens cannot be found again behind a NAT that has forgotten it."""

    async def speak(client):
        while True:
            await asyncio.sleep(0.1)
            client._quic.send_ping(0)
            client.transmit()

    async with case.connect() as client:
        speaking = asyncio.ensure_future(speak(client))
        answers = [await client.ask(path) for path in case.args.paths]
        speaking.cancel()
    return {"answers": answers}


async def retry(case):
    """The same; the server is expected to ask for a proof of the address first."""
    seen = await transfer(case)
    return seen | {"retries": case.received("retry")}


async def resumption(case):
    """Two connections; the second resumes the session of the first."""
    path = case.args.paths[0]
    async with case.connect() as client:
        answers = [await client.ask(path)]
        resumed = [client.resumed]
        while case.ticket is None:
            await client.ping()
    async with case.connect(session_ticket=case.ticket) as client:
        answers.append(await client.ask(path))
        resumed.append(client.resumed)
    return {"answers": answers, "resumed": resumed}


async def key_update(case):
    """Three key updates of our own between transfers of one connection.

    What follows an update can only be read if the server followed with its own keys.
    """
    async with case.connect() as client:
        answers = [await client.ask(case.args.paths[0])]
        for _ in range(3):
            client.request_key_update()
            await client.ping()
            answers.append(await client.ask(case.args.paths[0]))
    updates = [e["data"] for e in case.events("security:key_updated")]
    ours = [u for u in updates if u["trigger"] == "local_update"]
    return {"answers": answers, "updated": [u["key_type"] for u in ours]}


async def version_negotiation(case):
    """Begins with a version that nobody speaks; the server names those it does."""
    versions = [GREASED_VERSION, QuicProtocolVersion.VERSION_1]
    more = {"original_version": GREASED_VERSION, "supported_versions": versions}
    async with case.connect(**more) as client:
        answers = [await client.ask(path) for path in case.args.paths]
        version = int(client._quic._version)
    negotiations = case.received("version_negotiation")
    return {"answers": answers, "negotiations": negotiations, "version": version}


async def moved(case, address, new_id):
    """A transfer during which the client's port (and address) changes."""
    async with case.connect() as client:
        client.mark = case.args.mark
        running = asyncio.ensure_future(client.ask(case.args.paths[0]))
        await client.passed_mark.wait()
        before = client.place()
        if new_id:
            client.change_connection_id()
        await client.move(address)
        received = client.received
        after = client.place()
        answers = [await running, await client.ask(case.args.paths[0])]
    return {"answers": answers, "from": before, "to": after, "received": received}


async def port_rebind(case):
    """As behind a NAT that forgets: another port, the same connection id."""
    return await moved(case, "127.0.0.1", new_id=False)


async def address_change(case):
    """As from Wi-Fi to a mobile network: another address, a fresh connection id."""
    return await moved(case, "127.0.0.2", new_id=True)


async def concurrent(case):
    """All requests at once on one connection."""
    async with case.connect() as client:
        asked = [client.ask(path) for path in case.args.paths]
        return {"answers": list(await asyncio.gather(*asked))}


async def exchanges(case):
    """Requests with methods and fields of their own, in order."""
    async with case.connect() as client:
        asked = json.loads(case.args.exchanges)
        return {"answers": [await client.ask(p, m, f) for m, p, f in asked]}


CASES = {
    case.__name__: case
    for case in (
        transfer,
        lively,
        retry,
        resumption,
        key_update,
        version_negotiation,
        port_rebind,
        address_change,
        concurrent,
        exchanges,
    )
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--authority", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--mark", type=int, help="bytes after which the client moves")
    parser.add_argument("--log", action="store_true", help="count packets by type")
    parser.add_argument("--exchanges", help="JSON list of [method, path, fields]")
    parser.add_argument("--timeout", type=float, default=90.0)
    args = parser.parse_intermixed_args()
    case = Case(args)
    seen = asyncio.run(asyncio.wait_for(CASES[args.case](case), args.timeout))
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
