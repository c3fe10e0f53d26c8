# SPDX-License-Identifier: MIT
EXTRA_DIST += conf/demo.ini
