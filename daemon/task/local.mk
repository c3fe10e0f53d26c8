# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/task/kind_exec.c
libtendd_a_SOURCES += daemon/task/exec_service.c daemon/task/exec_service.h
libtendd_a_SOURCES += daemon/task/ready_probe.c daemon/task/ready_probe.h
libtendd_a_SOURCES += daemon/task/exec_env.c daemon/task/exec_env.h
libtendd_a_SOURCES += daemon/task/output.c daemon/task/output.h
libtendd_a_SOURCES += daemon/task/output_gate.c daemon/task/output_gate.h
libtendd_a_SOURCES += daemon/task/http_call.c daemon/task/http_internal.h
libtendd_a_SOURCES += daemon/task/http_engine.c daemon/task/http_engine.h
libtendd_a_SOURCES += daemon/task/http_profile.c
libtendd_a_SOURCES += daemon/task/http_save.c daemon/task/http_save.h
libtendd_a_SOURCES += daemon/task/http_url.c daemon/task/http_url.h
libtendd_a_SOURCES += daemon/task/item_lines.c daemon/task/item_lines.h
libtendd_a_SOURCES += daemon/task/items.c daemon/task/items.h
libtendd_a_SOURCES += daemon/task/items_command.c
libtendd_a_SOURCES += daemon/task/items_file.c daemon/task/glob_page.c daemon/task/glob_page.h
libtendd_a_SOURCES += daemon/task/items_socket.c
libtendd_a_SOURCES += daemon/task/kind_dns.c
libtendd_a_SOURCES += daemon/task/kind_file.c
libtendd_a_SOURCES += daemon/task/kind_http.c
libtendd_a_SOURCES += daemon/task/kind_tcp.c
libtendd_a_SOURCES += daemon/task/leaf_work.c daemon/task/leaf_work.h
libtendd_a_SOURCES += daemon/task/needle.c daemon/task/needle.h
libtendd_a_SOURCES += daemon/task/resolve.c daemon/task/resolve.h
libtendd_a_SOURCES += daemon/task/task.c daemon/task/task.h daemon/task/kind.c daemon/task/kind.h
libtendd_a_SOURCES += daemon/task/tcp_address.c daemon/task/tcp_address.h
libtendd_a_SOURCES += daemon/task/template.c daemon/task/template.h
libtendd_a_SOURCES += daemon/task/trust.c daemon/task/trust.h

fake_getaddrinfo_sources = tests/support/fake-getaddrinfo.c tests/support/fake-getaddrinfo.h
exec_bed_sources = tests/support/exec-bed.c tests/support/exec-bed.h tests/support/fake-child.c \
	tests/support/fake-child.h $(run_fixture_sources)
http_peer_sources = tests/support/http-peer.c tests/support/http-peer.h
task_bed_sources = tests/support/task-bed.c tests/support/task-bed.h

unit_tests += tests/unit/test-http-url
unit_tests += tests/unit/test-item-lines
unit_tests += tests/unit/test-needle
unit_tests += tests/unit/test-tcp-address
unit_tests += tests/unit/test-template
unit_tests += tests/unit/test-trust
tests_unit_test_trust_SOURCES = tests/unit/test-trust.c $(fake_clock_sources)
unit_tests += tests/unit/test-resolve
tests_unit_test_resolve_SOURCES = tests/unit/test-resolve.c $(fake_getaddrinfo_sources) $(fake_clock_sources)
unit_tests += tests/unit/test-http-engine
tests_unit_test_http_engine_SOURCES = tests/unit/test-http-engine.c $(http_peer_sources) $(fake_getaddrinfo_sources)
unit_tests += tests/unit/test-kind-dns
tests_unit_test_kind_dns_SOURCES = tests/unit/test-kind-dns.c $(task_bed_sources) $(fake_getaddrinfo_sources)
unit_tests += tests/unit/test-kind-exec
tests_unit_test_kind_exec_SOURCES = tests/unit/test-kind-exec.c $(exec_bed_sources)
unit_tests += tests/unit/test-exec-service
tests_unit_test_exec_service_SOURCES = tests/unit/test-exec-service.c $(exec_bed_sources)
unit_tests += tests/unit/test-ready-probe
tests_unit_test_ready_probe_SOURCES = tests/unit/test-ready-probe.c $(fake_getaddrinfo_sources)
unit_tests += tests/unit/test-kind-file
tests_unit_test_kind_file_SOURCES = tests/unit/test-kind-file.c $(task_bed_sources)
unit_tests += tests/unit/test-kind-tcp
tests_unit_test_kind_tcp_SOURCES = tests/unit/test-kind-tcp.c $(task_bed_sources) $(http_peer_sources) \
	$(fake_getaddrinfo_sources)
unit_tests += tests/unit/test-kind-http
tests_unit_test_kind_http_SOURCES = tests/unit/test-kind-http.c $(task_bed_sources) $(http_peer_sources) \
	$(fake_getaddrinfo_sources)
unit_tests += tests/unit/test-glob-page
unit_tests += tests/unit/test-items
tests_unit_test_items_SOURCES = tests/unit/test-items.c $(task_bed_sources)
unit_tests += tests/unit/test-output
