# SPDX-License-Identifier: MIT
EXTRA_DIST += contrib/packages contrib/install-packages contrib/try contrib/check contrib/check-format \
	contrib/check-layers contrib/build-deb contrib/debian contrib/update-reference contrib/supervisord2tendd \
	contrib/crontab2tendd contrib/grafana-dashboard.json .ci/run
examples_DATA += contrib/grafana-dashboard.json

CLEANFILES += build.log

# Shells look for a completion by the name of the command.
dist_bashcompletion_DATA = contrib/completion/bash/tendctl contrib/completion/bash/tendd
dist_zshcompletion_DATA = contrib/completion/zsh/_tendctl contrib/completion/zsh/_tendd

script_tests += contrib/check-layers
