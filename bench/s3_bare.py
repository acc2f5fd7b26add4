"""A server of which nothing could be left out: what it takes bench/s3.py's client is what client and loopback take.

A PUT is received into one buffer, written to a file and synced; a GET is answered with a file by `sendfile`. Says its
port on its first line of output and serves one request a connection, until standard input ends.
"""

import os
import socket
import sys
import threading
from pathlib import Path

_PIECE = 1024 * 1024


def serve(connection, source, target):
    with connection:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, _, body = head.partition(b"\r\n\r\n")
        if head.startswith(b"GET"):
            send(connection, source)
        else:
            receive(connection, int(head.rpartition(b": ")[2]), body, target)


def send(connection, source):
    with Path(source).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        at = 0
        while at < size:
            at += os.sendfile(connection.fileno(), file.fileno(), at, size - at)


def receive(connection, size, body, target):
    buffer = memoryview(bytearray(_PIECE))
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, body)
    got = len(body)
    while got < size:
        number = connection.recv_into(buffer)
        os.write(descriptor, buffer[:number])
        got += number
    os.fsync(descriptor)
    os.close(descriptor)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def main():
    source, target = sys.argv[1:]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)

        def accept():
            while True:
                connection, _ = listening.accept()
                serve(connection, source, target)

        threading.Thread(target=accept, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
