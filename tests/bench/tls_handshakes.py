"""Handshakes per second of one server: connections one after the other in some processes, each with one request.

python3 tls_handshakes.py PORT NAME SECONDS full|resumed TLSv1.2|TLSv1.3

A resumed handshake uses the ticket that the last connection got. Prints connections per second, and how many of them the
server has resumed.
"""

import multiprocessing
import socket
import ssl
import sys
import time

PROCESSES = 4


def connect_until(end, port, name, resumed, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version.replace(".", "_"))
    request = f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()
    session, count, reused = None, 0, 0
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(raw, server_hostname=name, session=session if resumed else None) as tls:
                tls.sendall(request)
                # Tickets of TLS 1.3 come behind the handshake.
                while tls.recv(65536):
                    pass
                session = tls.session
                count += 1
                reused += tls.session_reused
    return count, reused


def main(port, name, seconds, mode, version):
    end = time.monotonic() + float(seconds)
    job = (end, int(port), name, mode == "resumed", version)
    with multiprocessing.Pool(PROCESSES) as pool:
        results = pool.starmap(connect_until, [job] * PROCESSES)
    count = sum(each for each, _ in results)
    print(count / float(seconds), sum(each for _, each in results) / max(1, count))


if __name__ == "__main__":
    main(*sys.argv[1:])
