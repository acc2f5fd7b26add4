"""Measures the console's first page: how long it takes to come, and how much a browser loads for it.

Run: python -m bench.console [--times 50]
"""

import argparse
import http.client
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench import machine, servers

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


def fetch(
    port: int, path: str, cookie: str = "", form: dict[str, str] | None = None
) -> tuple[bytes, str, float]:
    """One request: the body, the session's cookie if one was set, and milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {**(FORM if form else {}), **({"cookie": cookie} if cookie else {})}
    begun = time.perf_counter()
    connection.request("POST" if form else "GET", path, urlencode(form) if form else None, headers)
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begun) * 1000
    connection.close()
    return body, (answer.getheader("set-cookie") or "").partition(";")[0], took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    times = parser.parse_args().times
    with (
        tempfile.TemporaryDirectory(prefix="coldframe-bench-") as folder,
        servers.coldframe(Path(folder) / "data") as server,
    ):
        machine_facts = machine.facts(Path(folder))
        form = {"key": server.access_key, "secret": server.secret_key}
        # As a person does: the page of the sign-in, a moment to type, and then the form.
        fetch(server.port, "/console/sign-in")
        time.sleep(2)
        _, cookie, _ = fetch(server.port, "/console/sign-in", form=form)
        first, _, cold = fetch(server.port, "/console", cookie)
        took = sorted(fetch(server.port, "/console", cookie)[2] for _ in range(times))
        files = sorted(set(re.findall(rb'(?:href|src)="(/console/static/[^"]+)"', first)))
        sizes = [len(fetch(server.port, path.decode())[0]) for path in files]
    total = len(first) + sum(sizes)
    print(*machine_facts, "", sep="\n")
    rows = [
        ["the page, first time", f"{cold:.1f} ms", "< 100"],
        ["the page, median", f"{median(took):.1f} ms", "< 100"],
        ["the page, 95 of 100", f"{took[int(0.95 * len(took)) - 1]:.1f} ms", "< 100"],
        ["the page with style, script and pictures", f"{total / 1024:.1f} KiB", "< 100"],
    ]
    print(machine.table(["what", "measured", "goal"], rows))


if __name__ == "__main__":
    main()
