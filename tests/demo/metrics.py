"""Syncs the service at a URL once and reads its metrics, as OpenMetrics and as text.

Prints the text for `promtool check metrics`. A strict parser reads the other.
"""

import sys
from urllib.request import Request, urlopen

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def fetch(path, method="GET", **headers):
    with urlopen(Request(sys.argv[1] + path, method=method, headers=headers), timeout=90) as answer:
        return answer.read().decode(), answer.headers["content-type"]


run, _ = fetch("/sync?wait=60s", method="POST")
assert '"state":"succeeded"' in run, run

body, media_type = fetch("/metrics", accept="application/openmetrics-text; version=1.0.0")
assert media_type.startswith("application/openmetrics-text;"), media_type
families = list(text_string_to_metric_families(body))
samples = sum(len(family.samples) for family in families)
assert samples > 20, body
print(f"{len(families)} OpenMetrics families with {samples} samples", file=sys.stderr)

body, media_type = fetch("/metrics")
assert media_type.startswith("text/plain;"), media_type
print(body, end="")
