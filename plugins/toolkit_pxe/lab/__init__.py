"""A DHCP server in a network of its own, and clients that ask it: how predictions are proven.

with Lab() as lab:
    lab.serve(serving, addresses=("10.77.0.1/24",))
    wire = lab.offer(client)
"""

from toolkit_pxe.lab.lab import Lab, LabError

__all__ = ["Lab", "LabError"]
