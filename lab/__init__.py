"""The lab: five hosts with their own systemd, sshd and Docker on one Linux machine.

Nothing in roles/ or plugins/ depends on this package. It needs Python 3.11 and root, and keeps
everything it creates in one state directory (``.lab``, or the value of ``--state``).
"""
