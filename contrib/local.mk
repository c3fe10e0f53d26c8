# SPDX-License-Identifier: MIT
EXTRA_DIST += contrib/packages contrib/install-packages contrib/try contrib/check contrib/check-format \
	contrib/check-layers contrib/build-deb contrib/debian contrib/update-reference contrib/supervisord2tendd \
	contrib/crontab2tendd .ci/run

CLEANFILES += build.log

script_tests += contrib/check-layers
