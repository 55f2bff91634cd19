"""A small store that speaks as much of S3 as a download needs, on the loopback, and does wrong when it is told to."""

import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import NAMESPACE_OID, uuid5
from xml.sax.saxutils import escape


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        # Not that of HTTPServer, which asks the network for the name of this machine.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


class Store:
    """Objects by `bucket/key`, as bytes or as the path of a file.

    faults: object to what happens at its next requests, in order: `gone`, `busy`, `flipped` (a byte), `short` (the
    whole answer ends early), `broken` (the connection does). etags: what is listed instead of the MD5. sent: how often
    each object was sent whole. After `stall_after` objects no further one is sent until `go` is set.
    """

    def __init__(self, page=1000):
        self.objects, self.faults, self.etags = {}, {}, {}
        self.page, self.busy, self.stall_after, self.begun = page, False, None, 0
        self.sent, self.requests, self.go, self.lock = Counter(), [], threading.Event(), threading.Lock()
        self.server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"store": self}))
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go.set()
        self.server.shutdown()
        self.server.server_close()

    def series(self, uid, files, bucket="idc-open-data"):
        """Hold the files of a series as the public store does: under random names. Returns its address."""
        folder = uuid5(NAMESPACE_OID, uid)
        for path in sorted(files):
            self.objects[f"{bucket}/{folder}/{uuid5(folder, Path(path).name)}.dcm"] = Path(path)
        return f"s3://{bucket}/{folder}/"

    def of(self, address):
        """The objects at an address, by bucket and key, sorted."""
        return sorted(name for name in self.objects if name.startswith(address.removeprefix("s3://")))

    def content(self, name):
        found = self.objects[name]
        return found.read_bytes() if isinstance(found, Path) else found

    def etag(self, name):
        return self.etags.get(name) or hashlib.md5(self.content(name)).hexdigest()

    def wait_for_go(self):
        with self.lock:
            self.begun += 1
            stalled = self.stall_after is not None and self.begun > self.stall_after
        if stalled:
            self.go.wait()

    def fault(self, name):
        with self.lock:
            waiting = self.faults.get(name, [])
            return waiting.pop(0) if waiting else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.store.requests.append((self.path, dict(self.headers.items())))
        if self.store.busy:
            return self.answer(503, b"<Error><Code>SlowDown</Code></Error>")
        if "list-type" in query:
            return self.answer(200, self.listing(unquote(parts.path).strip("/"), query))
        self.object(unquote(parts.path).lstrip("/"))

    def listing(self, bucket, query):
        before, start = f"{bucket}/{query.get('prefix', '')}", query.get("continuation-token", "")
        names = [name for name in sorted(self.store.objects) if name.startswith(before) and name > start]
        shown, more = names[: self.store.page], len(names) > self.store.page
        contents = "".join(
            f"<Contents><Key>{escape(name.partition('/')[2])}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{self.store.etag(name)}&quot;</ETag><Size>{len(self.store.content(name))}</Size></Contents>"
            for name in shown
        )
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        return (
            f'<?xml version="1.0"?><ListBucketResult><Name>{bucket}</Name>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<KeyCount>{len(shown)}</KeyCount>{token}{contents}</ListBucketResult>"
        ).encode()

    def object(self, name):
        fault = self.store.fault(name)
        if name not in self.store.objects or fault == "gone":
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        if fault == "busy":
            return self.answer(503, b"<Error><Code>SlowDown</Code></Error>")
        self.store.wait_for_go()
        whole = self.store.content(name)
        first, last = 0, len(whole) - 1
        if asked := self.headers.get("Range"):
            low, _, high = asked.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
        content = whole[first : last + 1]
        if fault == "flipped":
            content = bytes([content[0] ^ 1]) + content[1:]
        if fault == "short":
            content = content[: len(content) // 2]
        headers = {"ETag": f'"{self.store.etag(name)}"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
        if asked:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(whole)}"
        if fault == "broken":
            self.answer(206 if asked else 200, content[: len(content) // 2], headers, len(content))
            self.close_connection = True
            return
        self.answer(206 if asked else 200, content, headers)
        with self.store.lock:
            self.store.sent[name] += 1

    def answer(self, status, content, headers=None, length=None):
        self.send_response(status)
        for key, value in ({"Content-Type": "application/xml"} | (headers or {})).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_):
        pass
