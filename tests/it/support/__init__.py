# SPDX-License-Identifier: MIT
"""What integration tests use; see case.py, daemon.py, servers.py."""
