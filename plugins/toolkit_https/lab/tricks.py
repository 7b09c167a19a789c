"""More servers for auditing clients: tricks with names, chains, purposes and ciphers.

They are apart from TRAPS because `toolkit https check` need not tell each from its like; for a
client every one is a way in of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from toolkit_https.lab.traps import Trap

TRICKS: Mapping[str, Trap] = {}
"""Id → server. The ids are also arguments of `Lab.start`."""
