/* Pseudoterminals in the hands of actors. */
#pragma once
#include "socket.h"
#include <sys/ioctl.h>
#include <termios.h>

/* A terminal; each side's number is the same in all who have it. */
struct terminal {
	char name[16];
	int master, slave;
	pid_t session;
	struct actor *holder;
};

static inline long open_master(long unused)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	(void)unused;
	if (fd < 0 || grantpt(fd) || unlockpt(fd))
		return -errno;
	return fd;
}

static inline long make_raw(long fd)
{
	struct termios mode;

	check(tcgetattr(fd, &mode) == 0, "tcgetattr");
	cfmakeraw(&mode);
	check(tcsetattr(fd, TCSANOW, &mode) == 0, "tcsetattr");
	return 0;
}

/* A session of its own, on this terminal; raw, so that nothing is echoed or changed. */
static inline long start_session(long number)
{
	char path[32];
	int fd;

	if (setsid() < 0)
		return -errno;
	signal(SIGTTOU, SIG_IGN); /* as shells do, to take the foreground back */
	snprintf(path, sizeof(path), "/dev/pts/%ld", number);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return -errno;
	make_raw(fd);
	return fd;
}

static inline struct terminal open_terminal(struct actor *holder)
{
	struct terminal terminal = {.holder = holder, .slave = -1};
	int *number = lend(sizeof(*number));

	terminal.master = play(holder, open_master, 0);
	must(terminal.master, "posix_openpt");
	must(call(holder, SYS_ioctl, terminal.master, TIOCGPTN, P(number)), "TIOCGPTN");
	snprintf(terminal.name, sizeof(terminal.name), "pts/%d", *number);
	say("{\"terminal\":\"%s\"}", terminal.name);
	return terminal;
}

static inline void enter_session(struct terminal *terminal, struct actor *leader)
{
	terminal->slave = play(leader, start_session, atoi(terminal->name + 4));
	must(terminal->slave, "the session");
	terminal->session = leader->pid;
}

struct stroke {
	const struct terminal *terminal;
	struct actor *from;
	const char *to; /* a role */
	const void *bytes;
	size_t count;
	enum how how;
	enum guess guess;
};

static inline void say_stroke(struct stroke stroke)
{
	char meta[96];

	snprintf(meta, sizeof(meta), "\"tty_name\":\"%s\",\"dst_sid\":%d", stroke.terminal->name,
		 stroke.terminal->session);
	say_carried("pty", stroke.from->name, stroke.to, meta, stroke.bytes, stroke.count, stroke.how, stroke.guess);
}

/* A program's output, which the holder reads. */
static inline void print_to(const struct terminal *terminal, struct actor *program, const char *text, enum guess guess)
{
	long count = strlen(text);

	check(call(program, SYS_write, terminal->slave, P(text), count) == count, "write");
	say_stroke((struct stroke){terminal, program, terminal->holder->name, text, count, READ, guess});
	for (long got = 0; got < count;) {
		long n = call(terminal->holder, SYS_read, terminal->master, P(stage->arena), TAKEN);

		must(n, "read of the master");
		got += n;
	}
}

/* Typed input, which a program reads. */
static inline void type_to(const struct terminal *terminal, struct actor *program, const char *text, const char *role,
		    enum guess guess)
{
	long count = strlen(text);

	check(call(terminal->holder, SYS_write, terminal->master, P(text), count) == count, "write");
	say_stroke((struct stroke){terminal, terminal->holder, role, text, count, READ, guess});
	if (program)
		check(call(program, SYS_read, terminal->slave, P(stage->arena), TAKEN) == count, "read of the slave");
}
