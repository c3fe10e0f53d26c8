# SPDX-License-Identifier: MIT
EXTRA_DIST += conf/demo.ini conf/tendd.ini.example
examples_DATA += conf/tendd.ini.example
dist_man_MANS += conf/tendd.ini.5
