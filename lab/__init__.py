"""The lab: five hosts with their own systemd, sshd and Docker on one Linux machine.

Nothing in roles/ or plugins/ knows of this package. It needs Python 3.11 and root, and keeps
what it makes in one state directory (``.lab`` unless ``--state`` says otherwise).
"""
