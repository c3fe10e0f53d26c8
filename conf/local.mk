# SPDX-License-Identifier: MIT
EXTRA_DIST += conf/demo.ini
EXTRA_DIST += conf/tendd.ini.example
dist_man_MANS += conf/tendd.ini.5
