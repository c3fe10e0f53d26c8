/* SPDX-License-Identifier: MIT */
/* processes: what processes are at, in words, see print.h. */
#include "tendctl/print.h"

#include "base/text.h"

#include <stdio.h>

/* What a state means, and what can be done about it where that is not plain. */
static const struct {
        char letter;
        const char *word;
        const char *advice;
} states[] = {
        { 'R', "runs", NULL },
        { 'S', "sleeps", NULL },
        { 'D', "in kernel", "no signal reaches it, KILL neither, before the kernel is done with what it asked for" },
        { 'T', "stopped", "a signal stopped it; CONT lets it go on" },
        { 't', "traced", "a debugger holds it" },
        { 'Z', "zombie", "it has ended, and is kept until its parent takes notice or the rest of the run is gone" },
        { 'X', "dead", NULL },
        { 'I', "idle", NULL },
};

/* What some functions of the kernel are about that programs wait in for long; by the beginning of the name. */
static const struct {
        const char *name;
        const char *meaning;
} waits[] = {
        { "do_wait", "for a child to end" },
        { "hrtimer_nanosleep", "for time to pass" },
        { "clock_nanosleep", "for time to pass" },
        { "do_sigtimedwait", "for a signal" },
        { "sigsuspend", "for a signal" },
        { "pipe_read", "for data from a pipe or FIFO" },
        { "anon_pipe_read", "for data from a pipe or FIFO" },
        { "fifo_pipe_read", "for data from a pipe or FIFO" },
        { "pipe_write", "for a reader of a pipe or FIFO" },
        { "anon_pipe_write", "for a reader of a pipe or FIFO" },
        { "wait_for_partner", "for the other end of a FIFO to be opened" },
        { "fifo_open", "for the other end of a FIFO to be opened" },
        { "futex_", "for another thread or process: a lock" },
        { "locks_lock", "for a lock on a file" },
        { "posix_lock", "for a lock on a file" },
        { "flock_lock", "for a lock on a file" },
        { "ep_poll", "for something to happen: sockets, pipes, time" },
        { "do_epoll_wait", "for something to happen: sockets, pipes, time" },
        { "poll_schedule_timeout", "for something to happen: sockets, pipes, time" },
        { "do_poll", "for something to happen: sockets, pipes, time" },
        { "do_select", "for something to happen: sockets, pipes, time" },
        { "inet_csk_accept", "for somebody to connect" },
        { "inet_csk_wait", "for a connection" },
        { "inet_wait_for_connect", "for a connection" },
        { "wait_woken", "for the other side of a connection, or a terminal" },
        { "sk_wait", "for the other side of a connection" },
        { "unix_stream_read", "for the other side of a local connection" },
        { "unix_wait", "for the other side of a local connection" },
        { "skb_wait", "for the other side of a connection" },
        { "__skb_wait", "for the other side of a connection" },
        { "n_tty_read", "for somebody to type" },
        { "rpc_wait", "for a file server (NFS)" },
        { "nfs", "for a file server (NFS)" },
        { "request_wait_answer", "for a file system in user space (FUSE)" },
        { "io_schedule", "for a disk" },
        { "folio_wait", "for a disk" },
        { "jbd2", "for a disk" },
};

static size_t find_state(const json_t *process) {
        char letter = *get_string(process, "state");
        size_t i = 0;

        while (i < ARRAY_SIZE(states) && states[i].letter != letter)
                i++;
        return i;
}

const char *process_state(const json_t *process) {
        size_t i = find_state(process);

        return i < ARRAY_SIZE(states) ? states[i].word : get_string(process, "state");
}

bool process_is_odd(const json_t *process) {
        size_t i = find_state(process);

        return i < ARRAY_SIZE(states) && states[i].advice;
}

static const char *wait_meaning(const char *wchan) {
        for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
                if (strncmp(wchan, waits[i].name, strlen(waits[i].name)) == 0)
                        return waits[i].meaning;
        return NULL;
}

const char *process_command(const json_t *process, char buf[PROCESS_COMMAND_MAX]) {
        const char *command = get_string(process, "command");

        (void)snprintf(buf, PROCESS_COMMAND_MAX, *command ? "%s" : "[%s]",
                       *command ? command : get_string(process, "name"));
        return buf;
}

const char *format_memory(json_int_t bytes, char buf[WHEN_MAX]) {
        char text[TEXT_SIZE_MAX];

        (void)snprintf(buf, WHEN_MAX, "%s", text_format_size(bytes > 0 ? (uint64_t)bytes : 0, text));
        return buf;
}

const char *format_cpu(json_int_t usec, char buf[WHEN_MAX]) {
        json_int_t minute = (json_int_t)USEC_PER_MINUTE, hundredth = (json_int_t)USEC_PER_SEC / 100;

        if (usec >= minute)
                return format_span(usec, buf);
        (void)snprintf(buf, WHEN_MAX, "%lld.%02llds", (long long)(usec / hundredth / 100),
                       (long long)(usec / hundredth % 100));
        return buf;
}

static void print_process(const json_t *process) {
        const char *wchan = get_string(process, "wchan"), *meaning = wait_meaning(wchan);
        const json_t *percent = json_object_get(process, "cpu_percent");
        char command[PROCESS_COMMAND_MAX], memory[WHEN_MAX], cpu[WHEN_MAX];
        bool odd = process_is_odd(process);

        printf("  pid %lld ", (long long)get_int(process, "pid"));
        print_painted(odd ? PAINT_WARN : PAINT_NONE, process_state(process));
        if (*wchan && *get_string(process, "state") != 'T') {
                printf(" (");
                print_safe(wchan, false);
                printf("%s%s)", meaning ? ": " : "", meaning ? meaning : "");
        }
        printf(", %s, %s CPU", format_memory(get_int(process, "memory"), memory),
               format_cpu(get_int(process, "cpu_usec"), cpu));
        if (percent)
                printf(", now %lld%%", (long long)json_integer_value(percent));
        if (get_int(process, "threads") > 1)
                printf(", %lld threads", (long long)get_int(process, "threads"));
        printf(": ");
        print_safe(process_command(process, command), false);
        putchar('\n');
        if (odd)
                printf("    %s\n", states[find_state(process)].advice);
}

void print_processes(const json_t *object) {
        size_t index;
        json_t *process;

        json_array_foreach(json_object_get(object, "processes"), index, process)
                print_process(process);
        if (get_int(object, "processes_hidden") > 0)
                printf("  and %lld more processes\n", (long long)get_int(object, "processes_hidden"));
        if (*get_string(object, "processes_missing")) {
                printf("  its processes are not known: ");
                print_safe(get_string(object, "processes_missing"), false);
                putchar('\n');
        }
}
