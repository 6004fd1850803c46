"""A test CA, and a peer that speaks TLS with its certificate in front of a plain server."""

import socket
import ssl
import subprocess
import threading
from contextlib import suppress


def make_authority(directory, host):
    """Makes `ca.pem`, and `server.pem` for the host, issued by it."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-subj", "/CN=test CA", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", f"/CN={host}", "-keyout", "server.key", "-out", "server.csr")
    (directory / "names").write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "names", "-out", "server.crt",
    )
    parts = [(directory / name).read_text() for name in ("server.crt", "server.key")]
    (directory / "server.pem").write_text("".join(parts))


def pump(source, sink):
    """Copies bytes until one side ends, and then ends both."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for side in (source, sink):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


def serve(address, upstream, certificate):
    """Speaks TLS on the address and passes everything on to the upstream, in daemon threads."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    listener = socket.create_server(address)

    def connection(client):
        # A client that does not trust the certificate ends the handshake.
        with suppress(ssl.SSLError, OSError):
            client.settimeout(60)
            inner = tls.wrap_socket(client, server_side=True)
            outer = socket.create_connection(upstream, timeout=60)
            threading.Thread(target=pump, args=(inner, outer), daemon=True).start()
            pump(outer, inner)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=connection, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
