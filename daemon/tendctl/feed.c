/* SPDX-License-Identifier: MIT */
/* feed: hands what tendctl reads on to the daemon, see feed.h. */
#include "tendctl/feed.h"

#include <sys/socket.h>
#include <sys/stat.h>

/* A larger file is counted as it is read: reading it twice would take its time. */
#define COUNT_AHEAD_MAX ((off_t)64 * 1024 * 1024)

/* Lines of blanks alone, and those that begin with # behind blanks, are no items. */
static void count(struct feed *feed, const char *data, size_t n) {
        for (size_t i = 0; i < n; i++) {
                if (data[i] == '\n')
                        feed->in_line = false;
                else if (!feed->in_line && !memchr(" \t\r\v\f", data[i], 5)) {
                        feed->in_line = true;
                        feed->n_items += data[i] != '#';
                }
        }
}

static void count_ahead(struct feed *feed) {
        off_t at = lseek(feed->in, 0, SEEK_CUR);
        struct stat st;
        ssize_t n;

        if (at < 0 || fstat(feed->in, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size - at > COUNT_AHEAD_MAX)
                return;
        while ((n = pread(feed->in, feed->data, sizeof(feed->data), at)) > 0) {
                count(feed, feed->data, (size_t)n);
                at += n;
        }
        feed->counts_ahead = feed->is_counted = n == 0;
}

int feed_init(struct feed *feed, int in) {
        int pair[2];

        *feed = (struct feed){ .in = in, .out = -EBADF, .given = -EBADF };
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        feed->out = pair[0];
        feed->given = pair[1];
        count_ahead(feed);
        return 0;
}

void feed_done(struct feed *feed) {
        closep(&feed->out);
        closep(&feed->given);
        feed->out = feed->given = -EBADF;
}

static void end(struct feed *feed) {
        closep(&feed->out);
        feed->out = -EBADF;
        feed->is_counted = true;
}

static void fill(struct feed *feed) {
        ssize_t n = read(feed->in, feed->data, sizeof(feed->data));

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0) {
                end(feed);
                return;
        }
        feed->n = (size_t)n;
        feed->sent = 0;
        if (!feed->counts_ahead)
                count(feed, feed->data, feed->n);
}

static void flush(struct feed *feed) {
        ssize_t n = send(feed->out, feed->data + feed->sent, feed->n - feed->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0)
                feed->sent += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
                end(feed); /* the daemon reads no more */
}

size_t feed_before(struct feed *feed, struct pollfd *fds, size_t n) {
        /* The call has been sent: a copy kept here would hide that the daemon has closed it. */
        closep(&feed->given);
        feed->given = -EBADF;
        if (feed->out < 0)
                return n;
        fds[n++] = feed->sent < feed->n ? (struct pollfd){ .fd = feed->out, .events = POLLOUT }
                                        : (struct pollfd){ .fd = feed->in, .events = POLLIN };
        return n;
}

void feed_after(struct feed *feed, const struct pollfd *fds, size_t n) {
        if (n == 0 || fds[0].revents == 0 || feed->out < 0)
                return;
        if (feed->sent == feed->n)
                fill(feed);
        if (feed->out >= 0 && feed->sent < feed->n)
                flush(feed);
}
