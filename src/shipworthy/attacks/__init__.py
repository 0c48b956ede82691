"""Attacks: plug-ins only, one a file, found by file name.

Each file's docstring says in fixed words what the attack is: ``Goal:``, ``Source:``, ``Tags:`` (taxonomy references)
and an example that runs offline.
"""
