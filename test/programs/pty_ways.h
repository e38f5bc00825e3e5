/* Each way to write to a terminal. */
#pragma once
#include "pty_scene.h"

static const char *const words[] = {"one ", "two ", "three"};

static void gathered(void)
{
	set_up();
	check(call(shell, SYS_writev, one.slave, P(pieces_of(words, 3)), 3) == 13, "writev");
	say_stroke((struct stroke){&one, shell, "terminal", "one two three", 13, READ, SURE});
	check(call(holder, SYS_read, one.master, P(stage->arena), 100) == 13, "read");
	check(call(holder, SYS_writev, one.master, P(pieces_of(words, 3)), 3) == 13, "writev");
	say_stroke((struct stroke){&one, holder, "shell", "one two three", 13, READ, SURE});
	check(call(shell, SYS_read, one.slave, P(stage->arena), 100) == 13, "read");
}

/* Somebody else types on the shell's terminal, and after that the shell on its own */
static void typed(void)
{
	struct actor *typist;

	set_up();
	typist = start_in(shell, "typist", 0);
	for (int i = 0; i < 2; i++) {
		struct actor *who = i ? shell : typist;

		check(call(who, SYS_ioctl, one.slave, TIOCSTI, P(lend_copy("x", 1))) == 0, "TIOCSTI");
		say_stroke((struct stroke){&one, who, "shell", "x", 1, READ, SURE});
		check(call(shell, SYS_read, one.slave, P(stage->arena), 10) == 1, "read");
	}
	check(call(typist, SYS_ioctl, one.slave, TIOCSTI, 8) == -EFAULT, "EFAULT");
}

enum { LARGE = 100000 };

static long read_large(long fd)
{
	for (long total = 0, n; total < LARGE; total += n) {
		n = read(fd, stage->arena, TAKEN);
		check(n > 0, "read");
	}
	return 0;
}

/* The driver takes it a piece at a time, but it is one call. */
static void large(void)
{
	unsigned char *bytes = lend(LARGE);

	for (int i = 0; i < LARGE; i++)
		bytes[i] = i * 7 + i / 253;
	set_up();
	begin(holder, PLAY, P(read_large), one.master);
	check(call(shell, SYS_write, one.slave, P(bytes), LARGE) == LARGE, "write");
	check(answer(holder) == 0, "read");
	say_stroke((struct stroke){&one, shell, "terminal", bytes, LARGE, READ, SURE});
	begin(shell, PLAY, P(read_large), one.slave);
	check(call(holder, SYS_write, one.master, P(bytes), LARGE) == LARGE, "write");
	check(answer(shell) == 0, "read");
	say_stroke((struct stroke){&one, holder, "shell", bytes, LARGE, READ, SURE});
}

static void interrupt(int signal)
{
	(void)signal;
}

static long be_interruptible(long signal)
{
	struct sigaction action = {.sa_handler = interrupt};

	return sigaction(signal, &action, NULL) ? -errno : 0;
}

enum { FIRST = 1000 };

static void read_all(struct actor *reader, long fd, long count)
{
	for (long n; count > 0; count -= n) {
		n = call(reader, SYS_read, fd, P(stage->arena), count);
		must(n, "read");
	}
}

/* A job that has the foreground alone. */
static struct actor *start_job(void)
{
	struct actor *job = start_in(shell, "job", 0);

	to_foreground(shell, &one, job->pid);
	return job;
}

/* The job takes the first of what is typed, and goes. */
static void take_and_go(struct actor *job)
{
	read_all(job, one.slave, FIRST);
	begin(job, QUIT);
	check(call(shell, SYS_wait4, job->pid, 0, 0, 0) == job->pid, "wait4");
}

/* Begins to type more than the terminal holds; a job reads some, and goes. */
static void type_to_leaver(unsigned char *bytes)
{
	struct actor *job;

	memset(bytes, 'l', LARGE);
	set_up();
	must(play(holder, be_interruptible, SIGUSR1), "sigaction");
	job = start_job();
	begin(holder, SYS_write, one.master, P(bytes), LARGE);
	until_blocked(holder->pid, SYS_write);
	take_and_go(job);
}

/* It was read by one who is gone when the write returns, and nobody has come after him. */
static void left(void)
{
	unsigned char *bytes = lend(LARGE);
	long n;

	type_to_leaver(bytes);
	check(kill(holder->pid, SIGUSR1) == 0, "kill");
	n = answer(holder);
	check(n > FIRST, "write");
	say_stroke((struct stroke){&one, holder, "job", bytes, n, READ, SURE});
}

/* The shell takes the rest of what the holder types, which was for the job. */
static void take_the_rest(unsigned char *bytes, enum how how)
{
	to_foreground(shell, &one, shell->pid);
	read_all(shell, one.slave, LARGE - FIRST);
	check(answer(holder) == LARGE, "write");
	say_stroke((struct stroke){&one, holder, "job", bytes, LARGE, how, SURE});
}

/* The same, and another one reads the rest: it was for the first. */
static void succeeded(void)
{
	unsigned char *bytes = lend(LARGE);

	type_to_leaver(bytes);
	take_the_rest(bytes, READ);
}

/* Who took the first bytes is gone, and another one in his place, before the write returns that is too large to fit. */
static void gone(void)
{
	unsigned char *bytes = lend(LARGE);
	struct actor *job, *child;

	memset(bytes, 'g', LARGE);
	set_up();
	job = start_job();
	begin(holder, SYS_write, one.master, P(bytes), LARGE);
	take_and_go(job);
	take_the_rest(bytes, READ);

	print_to(&one, shell, "$ ", SURE);
	child = (void *)play(holder, breed, "child");
	say_role("child", child->pid, "child");
	begin(shell, SYS_write, one.slave, P(bytes), LARGE);
	read_all(holder, one.master, FIRST);
	read_all(child, one.master, LARGE - FIRST);
	check(answer(shell) == LARGE, "write");
	say_stroke((struct stroke){&one, shell, "terminal", bytes, LARGE, READ, SURE});
}

static long make_file(long bytes)
{
	int file = memfd_create("text", 0);

	check(file >= 0 && pwrite(file, (void *)bytes, LARGE, 0) == LARGE, "a file");
	return file;
}

/* The same by sendfile, which gives it to the terminal in several pieces. */
static void by_sendfile(void)
{
	unsigned char *bytes = lend(LARGE);
	struct actor *job;
	long file;

	memset(bytes, 's', LARGE);
	set_up();
	file = play(holder, make_file, P(bytes));
	must(file, "a file");
	job = start_job();
	begin(holder, SYS_sendfile, one.master, file, 0, LARGE);
	take_and_go(job);
	take_the_rest(bytes, SPLICED);
}

static void failed(void)
{
	unsigned char *bytes = lend(LARGE);
	long n;

	memset(bytes, 'f', LARGE);
	set_up();
	check(call(shell, SYS_write, one.slave, 8, 10) == -EFAULT, "EFAULT");
	check(call(shell, SYS_write, one.slave, P(bytes), 0) == 0, "nothing");
	must(call(shell, SYS_fcntl, one.slave, F_SETFL, O_RDWR | O_NONBLOCK), "fcntl");
	while ((n = call(shell, SYS_write, one.slave, P(bytes), 5000)) > 0)
		say_stroke((struct stroke){&one, shell, "terminal", bytes, n, READ, SURE});
	check(n == -EAGAIN, "EAGAIN");
}

/* Two requests of io_submit, which are not seen, and nothing is made of their number; then a write */
static void submit(int is_seen)
{
	aio_context_t *context = lend(sizeof(*context));
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_nbytes = 6}, **list = lend(2 * sizeof(*list));

	set_up();
	request.aio_fildes = one.slave;
	request.aio_buf = P(lend_copy("unseen", 6));
	list[0] = lend_copy(&request, sizeof(request));
	list[1] = lend_copy(&request, sizeof(request));
	*context = 0;
	must(call(shell, SYS_io_setup, 8, P(context)), "io_setup");
	check(call(shell, SYS_io_submit, *context, 2, P(list)) == 2, "io_submit");
	for (int i = 0; is_seen && i < 2; i++)
		say_stroke((struct stroke){&one, shell, one.holder->name, "unseen", 6, READ, SURE});
	print_to(&one, shell, "$ ", SURE);
}

static void by_aio(void)
{
	submit(0);
}

/* Where functions tell of terminals. */
static void by_aio_seen(void)
{
	submit(1);
}

/* A program has it open, but no session has it for its terminal: what is typed is for whoever reads. */
static void open_program(void)
{
	char *path = lend(32);

	holder = cast("terminal");
	shell = cast("program");
	one = open_terminal(holder);
	sprintf(path, "/dev/%s", one.name);
	one.slave = call(shell, SYS_openat, AT_FDCWD, P(path), O_RDWR | O_NOCTTY, 0);
	must(one.slave, path);
	check(play(shell, make_raw, one.slave) == 0, "tcsetattr");
}

static void no_session(void)
{
	struct actor *other;

	open_program();
	type_to(&one, shell, "first", "program", SURE);
	other = (void *)play(shell, breed, "other");
	say_role("other", other->pid, "other");
	type_to(&one, other, "to the other", "other", SURE);
	type_to(&one, shell, "to the first", "program", SURE);
}

/* Nobody has read it when the only one who could gives the slave away, to who does not receive it, and is gone. */
static void given_away(void)
{
	int way[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, way) == 0, "socketpair");
	open_program();
	type_to(&one, NULL, "unread", "program", MUST_GUESS);
	/* until it is known to have been typed */
	wait_for_test();
	check(call(shell, SYS_sendmsg, way[0], P(rights(one.slave)), 0) == 1, "sendmsg");
	begin(shell, QUIT);
	check(waitpid(shell->pid, NULL, 0) == shell->pid, "waitpid");
}

static void via_uring(void)
{
	struct io_uring_sqe *sqe = lend(sizeof(*sqe));

	set_up();
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_WRITE, .fd = one.slave, .addr = P("ring write"), .len = 10};
	check(play(shell, request, sqe) == 10, "io_uring write");
	say_stroke((struct stroke){&one, shell, "terminal", "ring write", 10, URING, SURE});
	check(call(holder, SYS_read, one.master, P(stage->arena), 100) == 10, "read");
}
