"""A client that is not the limit: raw sockets, files sent by `sendfile`, bodies received into one buffer a connection.

Run by bench/s3.py as a process of its own, told what to do by lines of JSON: requests, over so many connections at
once, each of which takes the next request when it has its answer. A request is its head and its frames: text, and the
range of the file `source` that follows it. `into` is the file that the bodies of the answers are written to, each from
its offset `at`; without it they are received and forgotten. Answers by a line of JSON: the seconds it took, and of each
answer its status line, headers and length.
"""

import json
import os
import socket
import sys
import threading
import time

_PIECE = 1024 * 1024


class Connection(threading.Thread):
    """One connection, and the requests that it takes from those that are left."""

    def __init__(self, order, left, source, target):
        super().__init__()
        self._left, self._source, self._target = left, source, target
        self._socket = socket.create_connection(("127.0.0.1", order["port"]))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(_PIECE))
        self.answers = {}

    def run(self):
        with self._socket:
            while True:
                try:
                    number, request = self._left.pop()
                except IndexError:
                    return
                self._send(request)
                self.answers[number] = self._receive(request.get("at", 0))

    def _send(self, request):
        self._socket.sendall(request["head"].encode())
        for before, offset, size in request.get("frames", ()):
            if before:
                self._socket.sendall(before.encode(), socket.MSG_MORE if size else 0)
            while size:
                sent = os.sendfile(self._socket.fileno(), self._source, offset, size)
                offset, size = offset + sent, size - sent

    def _receive(self, at):
        head = b""
        while b"\r\n\r\n" not in head:
            more = self._socket.recv(_PIECE)
            if not more:
                raise ConnectionError(f"the server left: {head!r}")
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", 0))
        kept = body if int(status.split()[1]) >= 300 else b""
        got = len(body)
        self._put(body, at)
        while got < size:
            # A megabyte at a time, as one turn of Python for each packet would be what is measured.
            number = self._socket.recv_into(self._buffer, min(_PIECE, size - got), socket.MSG_WAITALL)
            if not number:
                raise ConnectionError(f"the server left after {got} of {size} bytes")
            self._put(self._buffer[:number], at + got)
            got += number
        return {"status": status, "headers": headers, "size": got, "text": kept.decode(errors="replace")}

    def _put(self, data, at):
        while self._target is not None and len(data):
            written = os.pwrite(self._target, data, at)
            data, at = data[written:], at + written


def carried_out(order):
    """Send the requests of an order and return what came of them."""
    source = os.open(order["source"], os.O_RDONLY) if order.get("source") else None
    target = None
    if order.get("into"):
        target = os.open(order["into"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        left = list(enumerate(order["requests"]))[::-1]
        begun = time.perf_counter()
        connections = [
            Connection(order, left, source, target) for _ in range(min(order["connections"], len(left)))
        ]
        for connection in connections:
            connection.start()
        for connection in connections:
            connection.join()
        seconds = time.perf_counter() - begun
    finally:
        for descriptor in (source, target):
            if descriptor is not None:
                os.close(descriptor)
    answers = {number: answer for each in connections for number, answer in each.answers.items()}
    return {"seconds": seconds, "answers": [answers.get(n) for n in range(len(order["requests"]))]}


def main():
    for line in sys.stdin:
        print(json.dumps(carried_out(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
