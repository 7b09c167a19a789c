"""Perl's LWP::UserAgent. Which CA: SSL_ca_file of IO::Socket::SSL(3pm), through ssl_opts."""

from __future__ import annotations

from toolkit_https.clients.kinds import Program

_GET = (
    "my $ua = LWP::UserAgent->new(timeout => 20, ssl_opts => {SSL_ca_file => $ARGV[1]%s});"
    "my $answer = $ua->get($ARGV[0]);"
    "print STDERR $answer->status_line, qq(\\n);"
    "exit !$answer->is_success"
)


def _way(label: str, options: str, *, weakened: bool) -> tuple[str, tuple[str, ...], bool]:
    source = _GET % options
    return (label, ("-MLWP::UserAgent", "-e", source, "{url}", "{ca}"), weakened)


client = Program(
    name="lwp",
    program="perl",
    package="libwww-perl liblwp-protocol-https-perl",
    version=(
        "-MLWP::UserAgent",
        "-MLWP::Protocol::https",
        "-e",
        "print qq(LWP $LWP::UserAgent::VERSION, IO::Socket::SSL $IO::Socket::SSL::VERSION)",
    ),
    ways=(
        _way("LWP", "", weakened=False),
        _way("LWP verify_hostname=>0", ", verify_hostname => 0", weakened=True),
    ),
)
