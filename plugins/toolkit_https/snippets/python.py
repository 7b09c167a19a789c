"""Verified HTTPS requests in Python."""

from __future__ import annotations

from toolkit_https.snippets.model import Line, Snippet, Trust

CONTEXT = (
    Line(
        "context = ssl.create_default_context(cafile=$ca)",
        "verifies the chain and the name; trusts the authorities of this file alone",
        Trust.CA,
    ),
    Line(
        "context = ssl.create_default_context()",
        "verifies the chain and the name; trusts what OpenSSL trusts on this machine",
        Trust.SYSTEM,
    ),
    Line(
        "context.hostname_checks_common_name = False",
        "the name must be a subject alternative name (RFC 9525)",
    ),
    Line(
        "context.verify_flags |= ssl.VERIFY_X509_STRICT",
        "RFC 5280 to the letter, as Python 3.13 does it; leave it out for an old authority",
    ),
)
"""A context for whatever takes one."""
NO_DIGITAL_SIGNATURE = "OpenSSL does not hold the server's key to its key usage"
CA_AS_SERVER = "OpenSSL takes an authority's own certificate for a server"
OPENSSL = {"no-digital-signature": NO_DIGITAL_SIGNATURE, "leaf-is-a-ca": CA_AS_SERVER}

REQUESTS = Snippet(
    "requests", "python",
    (
        Line("import requests"),
        Line("answer = requests.get(", "verifies the chain and the name: that is its default"),
        Line("    $url,"),
        Line("    verify=$ca,", "trusts the authorities of this file alone", Trust.CA),
        Line("    timeout=30,", "without one it waits for ever"),
        Line("    allow_redirects=False,",
             "a redirect may lead to plain http: look at answer.next before following"),
        Line(")"),
        Line("answer.raise_for_status()", "an error page is no answer"),
    ),
    leaves=OPENSSL | {
        "no-authority-key-id": "before Python 3.13: ssl verifies strictly only from there on",
    },
    note="Without verify= the variable REQUESTS_CA_BUNDLE, else certifi's list, says what is "
    "trusted.",
)  # fmt: skip
URLLIB = Snippet(
    "urllib", "python",
    (
        Line("import ssl"),
        Line("import urllib.request"),
        *CONTEXT,
        Line("opener = urllib.request.OpenerDirector()",
             "it knows what is added below: no plain http, no files, no redirects, no proxy"),
        Line("opener.add_handler(urllib.request.HTTPSHandler(context=context))"),
        Line("opener.add_handler(urllib.request.HTTPErrorProcessor())",
             "a status that is no success raises"),
        Line("opener.add_handler(urllib.request.HTTPDefaultErrorHandler())"),
        Line("with opener.open($url, timeout=30) as answer:"),
        Line("    body = answer.read()"),
    ),
    leaves=OPENSSL,
    note="urllib.request.urlopen(URL, context=context) is shorter, and follows redirects to plain "
    "http.",
)  # fmt: skip
HTTPX = Snippet(
    "httpx", "python",
    (
        Line("import ssl"),
        Line("import httpx"),
        *CONTEXT,
        Line("answer = httpx.get($url, verify=context, timeout=30)", "follows no redirects"),
        Line("answer.raise_for_status()", "an error page is no answer"),
    ),
    leaves=OPENSSL,
)  # fmt: skip
AIOHTTP = Snippet(
    "aiohttp", "python",
    (
        Line("import asyncio"),
        Line("import ssl"),
        Line("import aiohttp"),
        *CONTEXT,
        Line("async def get():"),
        Line("    async with aiohttp.ClientSession(raise_for_status=True) as session:",
             "an error page is no answer"),
        Line("        async with session.get($url, ssl=context, allow_redirects=False) as answer:",
             "ssl=False would verify nothing; a redirect may lead to plain http"),
        Line("            return await answer.read()"),
        Line("body = asyncio.run(get())"),
    ),
    leaves=OPENSSL,
)  # fmt: skip
PYCURL = Snippet(
    "pycurl", "python",
    (
        Line("import pycurl"),
        Line("curl = pycurl.Curl()"),
        Line("curl.setopt(pycurl.URL, $url)"),
        Line("curl.setopt(pycurl.CAINFO, $ca)", "trusts the authorities of this file alone",
             Trust.CA),
        Line("curl.setopt(pycurl.SSL_VERIFYPEER, 1)", "verifies the chain: its default"),
        Line("curl.setopt(pycurl.SSL_VERIFYHOST, 2)",
             "verifies the name: 2 and not True; the other option alone proves nothing"),
        Line("curl.setopt(pycurl.FAILONERROR, True)", "an error page is no answer"),
        Line("curl.setopt(pycurl.TIMEOUT, 30)", "without one it waits for ever"),
        Line("body = curl.perform_rb()", "follows no redirects"),
    ),
    leaves=OPENSSL | {
        "cn-only": "libcurl takes a name in the common name if there is no alternative name",
        "ip-in-cn": "libcurl takes an address in the common name if there is no alternative name",
        "no-authority-key-id": "libcurl does not ask OpenSSL to be strict",
    },
)  # fmt: skip
