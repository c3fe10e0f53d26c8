# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/loop/as_user.c daemon/loop/as_user.h
libtendd_a_SOURCES += daemon/loop/cgroup.c daemon/loop/cgroup.h daemon/loop/cgroup_private.h
libtendd_a_SOURCES += daemon/loop/cgroup_tree.c
libtendd_a_SOURCES += daemon/loop/child.c daemon/loop/child.h daemon/loop/child_private.h
libtendd_a_SOURCES += daemon/loop/child_birth.c daemon/loop/child_birth.h
libtendd_a_SOURCES += daemon/loop/child_end.c
libtendd_a_SOURCES += daemon/loop/child_exec.c daemon/loop/child_exec.h
libtendd_a_SOURCES += daemon/loop/child_find.c daemon/loop/child_find.h
libtendd_a_SOURCES += daemon/loop/child_files.c daemon/loop/child_files.h
libtendd_a_SOURCES += daemon/loop/child_fork.c daemon/loop/child_fork.h
libtendd_a_SOURCES += daemon/loop/child_inspect.c daemon/loop/child_inspect.h
libtendd_a_SOURCES += daemon/loop/child_parcel.c daemon/loop/child_parcel.h
libtendd_a_SOURCES += daemon/loop/child_plan.c daemon/loop/child_plan.h
libtendd_a_SOURCES += daemon/loop/child_tree.c daemon/loop/child_tree.h
libtendd_a_SOURCES += daemon/loop/child_user.c daemon/loop/child_user.h
libtendd_a_SOURCES += daemon/loop/child_walk.c daemon/loop/child_walk.h
libtendd_a_SOURCES += daemon/loop/proc_stat.c daemon/loop/proc_stat.h
libtendd_a_SOURCES += daemon/loop/spawner.c daemon/loop/spawner.h
libtendd_a_SOURCES += daemon/loop/dumpable.c daemon/loop/dumpable.h
libtendd_a_SOURCES += daemon/loop/file_sink.c daemon/loop/file_sink.h daemon/loop/file_sink_private.h
libtendd_a_SOURCES += daemon/loop/file_sink_thread.c
libtendd_a_SOURCES += daemon/loop/http_head.c daemon/loop/http_head.h
libtendd_a_SOURCES += daemon/loop/http_server.c daemon/loop/http_server.h
libtendd_a_SOURCES += daemon/loop/leftover.c daemon/loop/leftover.h
libtendd_a_SOURCES += daemon/loop/listen_socket.c daemon/loop/listen_socket.h
libtendd_a_SOURCES += daemon/loop/loop.c daemon/loop/loop.h
libtendd_a_SOURCES += daemon/loop/loop_io.c
libtendd_a_SOURCES += daemon/loop/loop_private.h
libtendd_a_SOURCES += daemon/loop/loop_timer.c
libtendd_a_SOURCES += daemon/loop/notify.c daemon/loop/notify.h
libtendd_a_SOURCES += daemon/loop/notify_message.c daemon/loop/notify_message.h
libtendd_a_SOURCES += daemon/loop/pool.c daemon/loop/pool.h
libtendd_a_SOURCES += daemon/loop/pool_private.h
libtendd_a_SOURCES += daemon/loop/pool_worker.c
libtendd_a_SOURCES += daemon/loop/stream.c daemon/loop/stream.h
libtendd_a_SOURCES += daemon/loop/stream_private.h
libtendd_a_SOURCES += daemon/loop/stream_tls.c
libtendd_a_SOURCES += daemon/loop/watch.c daemon/loop/watch.h daemon/loop/watch_private.h
libtendd_a_SOURCES += daemon/loop/watch_dirs.c
libtendd_a_SOURCES += daemon/loop/watch_events.c
libtendd_a_SOURCES += daemon/loop/watch_follow.c
libtendd_a_SOURCES += daemon/loop/watch_made.c
libtendd_a_SOURCES += daemon/loop/watch_mounts.c
libtendd_a_SOURCES += daemon/loop/watch_pattern.c
libtendd_a_SOURCES += daemon/loop/watch_scan.c
libtendd_a_SOURCES += daemon/loop/watchdog.c daemon/loop/watchdog.h

# What a test of pure code names in its SOURCES to get the fake loop and the fake clock.
fake_clock_sources = tests/support/fake-clock.c tests/support/fake-clock.h
fake_loop_sources = tests/support/fake-loop.c tests/support/fake-loop.h $(fake_clock_sources)
hostile_sources = tests/support/hostile.c tests/support/hostile-breed.c tests/support/hostile-cgroup.c \
	tests/support/hostile-leave.c tests/support/hostile-self.c tests/support/hostile.h \
	tests/support/hostile-private.h tests/support/notify-say.c tests/support/notify-say.h
fault_wraps = -Wl,--wrap=bind,--wrap=calloc,--wrap=chmod,--wrap=clone,--wrap=fcntl,--wrap=fork,--wrap=lseek \
	-Wl,--wrap=malloc,--wrap=memfd_create,--wrap=mkdirat,--wrap=mmap,--wrap=open,--wrap=openat,--wrap=pipe2 \
	-Wl,--wrap=realloc,--wrap=reallocarray,--wrap=setsockopt,--wrap=socket,--wrap=strdup,--wrap=syscall,--wrap=write \
	-Wl,--wrap=_mark_point
child_bed_sources = tests/support/child-bed.c tests/support/child-bed.h $(hostile_sources)

unit_tests += tests/unit/test-http-head
unit_tests += tests/unit/test-http-server
tests_unit_test_http_server_SOURCES = tests/unit/test-http-server.c $(fake_loop_sources)
unit_tests += tests/unit/test-leftover
unit_tests += tests/unit/test-listen-socket
unit_tests += tests/unit/test-cgroup
tests_unit_test_cgroup_SOURCES = tests/unit/test-cgroup.c tests/support/fake-cgroup.c tests/support/fake-cgroup.h
tests_unit_test_cgroup_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mkdir,--wrap=mkdirat,--wrap=unlinkat,--wrap=rmdir
unit_tests += tests/unit/test-notify
tests_unit_test_notify_SOURCES = tests/unit/test-notify.c tests/support/notify-say.c tests/support/notify-say.h
unit_tests += tests/unit/test-notify-message
unit_tests += tests/unit/test-pool
tests_unit_test_pool_SOURCES = tests/unit/test-pool.c tests/support/fake-thread.c tests/support/fake-thread.h
unit_tests += tests/unit/test-loop
unit_tests += tests/unit/test-child-end
tests_unit_test_child_end_SOURCES = tests/unit/test-child-end.c $(child_bed_sources)
unit_tests += tests/unit/test-child-faults
tests_unit_test_child_faults_SOURCES = tests/unit/test-child-faults.c tests/support/faults.c tests/support/faults.h \
	$(child_bed_sources)
tests_unit_test_child_faults_LDFLAGS = $(AM_LDFLAGS) $(fault_wraps)
unit_tests += tests/unit/test-child-given
tests_unit_test_child_given_SOURCES = tests/unit/test-child-given.c $(child_bed_sources)
unit_tests += tests/unit/test-child-find
tests_unit_test_child_find_SOURCES = tests/unit/test-child-find.c $(child_bed_sources)
tests_unit_test_child_find_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=proc_environ_read
unit_tests += tests/unit/test-child-inspect
tests_unit_test_child_inspect_SOURCES = tests/unit/test-child-inspect.c $(child_bed_sources)
tests_unit_test_child_inspect_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat
unit_tests += tests/unit/test-child-notify
tests_unit_test_child_notify_SOURCES = tests/unit/test-child-notify.c $(child_bed_sources)
unit_tests += tests/unit/test-child-output
tests_unit_test_child_output_SOURCES = tests/unit/test-child-output.c $(child_bed_sources)
unit_tests += tests/unit/test-child-spawn
tests_unit_test_child_spawn_SOURCES = tests/unit/test-child-spawn.c $(child_bed_sources)
unit_tests += tests/unit/test-child-user
tests_unit_test_child_user_SOURCES = tests/unit/test-child-user.c $(fake_clock_sources)
unit_tests += tests/unit/test-child-zoo
tests_unit_test_child_zoo_SOURCES = tests/unit/test-child-zoo.c $(child_bed_sources)
unit_tests += tests/unit/test-fake-loop
tests_unit_test_fake_loop_SOURCES = tests/unit/test-fake-loop.c $(fake_loop_sources)
unit_tests += tests/unit/test-file-sink
tests_unit_test_file_sink_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write
unit_tests += tests/unit/test-stream
watch_bed_sources = tests/support/watch-bed.c tests/support/watch-bed.h
watch_bed_ldflags = $(AM_LDFLAGS) -Wl,--wrap=clock_now,--wrap=inotify_add_watch,--wrap=read
unit_tests += tests/unit/test-watch
tests_unit_test_watch_SOURCES = tests/unit/test-watch.c $(watch_bed_sources)
tests_unit_test_watch_LDFLAGS = $(watch_bed_ldflags)
unit_tests += tests/unit/test-watch-dirs
tests_unit_test_watch_dirs_SOURCES = tests/unit/test-watch-dirs.c $(watch_bed_sources)
tests_unit_test_watch_dirs_LDFLAGS = $(watch_bed_ldflags)
unit_tests += tests/unit/test-watchdog
