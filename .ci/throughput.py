"""Encrypt and Decrypt over 64 connections: `keyreach serve` beside moto's server, in turns.

Requests are signed once and sent over and over, so that the client costs as little as it can. Both servers
take turns; told are medians of the turns, by the clock and by the CPU time of the servers, which a busy
machine moves less.
"""

import asyncio
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials

HOME = pathlib.Path("target/clients").resolve()
KEYREACH = pathlib.Path("target/release/keyreach").resolve()
CONNECTIONS = 64
TURNS = 5
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0


class Server:
    """A server process, and one request of each kind for it."""

    def __init__(self, name, process, url, credentials, key):
        self.name, self.process, self.url = name, process, url
        self.host, self.port = url.removeprefix("http://").split(":")
        id_, secret = credentials
        session = boto3.Session(id_, secret, region_name="us-east-1")
        kms = session.client("kms", endpoint_url=url)
        key = key or kms.create_key()["KeyMetadata"]["Arn"]
        blob = kms.encrypt(KeyId=key, Plaintext=b"attack at dawn")["CiphertextBlob"]
        of = lambda operation, body: signed(url, (id_, secret), operation, body)
        text = lambda blob: base64.b64encode(blob).decode()
        self.requests = {
            "Encrypt": of("Encrypt", json.dumps({"KeyId": key, "Plaintext": text(b"attack at dawn")})),
            "Decrypt": of("Decrypt", json.dumps({"CiphertextBlob": text(blob)})),
        }

    def cpu(self):
        """Seconds of CPU time so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def signed(url, credentials, operation, body):
    """The bytes of a signed request."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{operation}"}
    request = botocore.awsrequest.AWSRequest("POST", url + "/", data=body, headers=headers)
    credentials = botocore.credentials.Credentials(*credentials)
    botocore.auth.SigV4Auth(credentials, "kms", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Host: {url.removeprefix('http://')}", f"Content-Length: {len(body)}"]
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Client(asyncio.Protocol):
    """One connection that sends the next request once it has the answer."""

    def __init__(self, request, until):
        self.request, self.until = request, until
        self.answered, self.held = 0, b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        if not found:
            return
        fields = head.lower().partition(b"content-length:")[2]
        if len(body) < int(fields.partition(b"\r\n")[0]):
            return
        assert head.startswith(b"HTTP/1.1 200"), self.held[:400]
        self.held = b""
        self.answered += 1
        if time.perf_counter() < self.until:
            if b"connection: close" not in head.lower():
                self.transport.write(self.request)
                return
            self.done.set_result(True)
        else:
            self.done.set_result(False)
        self.transport.close()

    def connection_lost(self, _):
        if not self.done.done():
            self.done.set_result(True)


async def turn(server, operation):
    """Answers in a second, and microseconds of the server's CPU for each."""
    loop = asyncio.get_running_loop()
    begun, cpu = time.perf_counter(), server.cpu()
    until = begun + SECONDS

    async def connection():
        answered, again = 0, True
        while again:
            make = lambda: Client(server.requests[operation], until)
            _, client = await loop.create_connection(make, server.host, int(server.port))
            again = await client.done and time.perf_counter() < until
            answered += client.answered
        return answered

    answered = sum(await asyncio.gather(*(connection() for _ in range(CONNECTIONS))))
    spent = time.perf_counter() - begun
    return answered / spent, (server.cpu() - cpu) * 1e6 / max(answered, 1)


def keyreach():
    state = HOME / "state" / "throughput"
    shutil.rmtree(state, ignore_errors=True)
    state.parent.mkdir(parents=True, exist_ok=True)
    command = [KEYREACH, "serve", "testdata/course", "--port", "0", "--quiet", "--state-dir", state]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    url = process.stdout.readline().strip()
    section = (state / "credentials").read_text().partition("[Alice]")[2].splitlines()[1:3]
    credentials = [line.partition(" = ")[2] for line in section]
    return Server("keyreach", process, url, credentials, "alias/CMK-A")


def moto():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = HOME / "python/bin/moto_server"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], **quiet)
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            assert time.monotonic() < until and process.poll() is None, "moto does not start"
            time.sleep(0.1)
    return Server("moto", process, f"http://127.0.0.1:{port}", ("AKIAEXAMPLE", "secret"), None)


def main():
    servers = [keyreach(), moto()]
    try:
        for operation in ["Encrypt", "Decrypt"]:
            turns = [[asyncio.run(turn(server, operation)) for server in servers] for _ in range(TURNS)]
            for number, server in enumerate(servers):
                rate, cpu = (statistics.median(one[number][at] for one in turns) for at in (0, 1))
                print(f"{operation} {server.name}: {rate:.0f} a second, {cpu:.0f} us of CPU each")
            rate = statistics.median(one[0][0] / one[1][0] for one in turns)
            cpu = statistics.median(one[1][1] / one[0][1] for one in turns)
            print(f"{operation}: {rate:.1f} times moto by the clock, {cpu:.1f} times by CPU", flush=True)
    finally:
        for server in servers:
            server.end()


main()
