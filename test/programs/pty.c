/* Pseudoterminals: one actor holds the master, others are the programs on the slave. */
#include "pty_scene.h"

static void both(void)
{
	set_up();
	for (int round = 0; round < 3; round++) {
		print_to(&one, shell, "$ ", SURE);
		type_to(&one, shell, "make\n", "shell", SURE);
	}
}

/* Who is in the foreground gets what is typed; who is in the background prints all the same. */
static void jobs(void)
{
	struct actor *make, *less, *cc;

	set_up();
	make = start_in(shell, "make", 0);
	less = start_in(shell, "less", 0);
	cc = start_in(shell, "cc", make->pid);
	type_to(&one, shell, "to the shell", "shell", SURE);
	to_foreground(shell, &one, make->pid);
	/* it is for whoever of the group reads it */
	type_to(&one, make, "to make", "make", SURE);
	type_to(&one, cc, "to cc", "cc", SURE);
	print_to(&one, cc, "by cc", SURE);
	print_to(&one, less, "by a program in the background", SURE);
	to_foreground(shell, &one, less->pid);
	type_to(&one, less, "to less", "less", SURE);
	to_foreground(shell, &one, shell->pid);
	type_to(&one, shell, "to the shell again", "shell", SURE);
}

/* The leader of the foreground group is gone: its youngest member that lives, as a guess. */
static void leader_gone(void)
{
	struct actor *lead, *older, *young;

	set_up();
	lead = start_in(shell, "lead", 0);
	older = start_in(shell, "older", lead->pid);
	young = start_in(shell, "younger", lead->pid);
	to_foreground(shell, &one, lead->pid);
	type_to(&one, lead, "to the leader", "lead", SURE);
	begin(lead, QUIT);
	check(call(shell, SYS_wait4, lead->pid, 0, 0, 0) == lead->pid, "wait4");
	type_to(&one, older, "to who is left", "older", SURE);
	/* nobody reads it */
	check(call(holder, SYS_write, one.master, P("unread"), 6) == 6, "write");
	say_stroke((struct stroke){&one, holder, "younger", "unread", 6, READ, MUST_GUESS});
	print_to(&one, young, "by who is left", SURE);
}

/* What the line discipline sends back is nobody's; only what programs write is shown, as they wrote it. */
static long make_cooked(long fd)
{
	struct termios mode;

	check(tcgetattr(fd, &mode) == 0, "tcgetattr");
	mode.c_lflag |= ECHO | ICANON | ECHOE | ISIG;
	mode.c_oflag |= OPOST | ONLCR;
	return tcsetattr(fd, TCSANOW, &mode);
}

static void echo(void)
{
	set_up();
	check(play(shell, make_cooked, one.slave) == 0, "tcsetattr");
	type_to(&one, shell, "echoed\n", "shell", SURE);
	check(call(holder, SYS_read, one.master, P(stage->arena), 100) > 0, "the echo");
	print_to(&one, shell, "two\nlines\n", SURE);
	/* and erased again: all typed, none printed */
	type_to(&one, NULL, "ab\x7f" "c\n", "shell", SURE);
	check(call(shell, SYS_read, one.slave, P(stage->arena), 100) == 3, "read of the slave");
}

/* Several at once, each with its own people. */
static void several(void)
{
	struct terminal terminals[4];
	struct actor *holders[2] = {cast("screen"), cast("xterm")}, *shells[4];

	for (int i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "shell%d", i);
		shells[i] = cast(name);
		terminals[i] = open_terminal(holders[i % 2]);
		enter_session(&terminals[i], shells[i]);
	}
	if (early)
		wait_for_test();
	for (int i = 0; i < 12; i++) {
		print_to(&terminals[i % 4], shells[i % 4], "$ ", SURE);
		type_to(&terminals[i * 3 % 4], shells[i * 3 % 4], "exit", shells[i * 3 % 4]->name, SURE);
	}
}

/* The master's reader is a child of who opened it. */
static void forked(void)
{
	struct actor *reader;

	set_up();
	/* looked up later than there is a child, who has not read yet can only be guessed */
	print_to(&one, shell, "to the opener", MAY_GUESS);
	reader = (void *)play(holder, breed, "reader");
	say_role("reader", reader->pid, "reader");
	one.holder = reader;
	print_to(&one, shell, "to the reader", SURE);
	one.holder = holder;
	print_to(&one, shell, "to the opener again", SURE);
	one.holder = reader;
	/* and either may write */
	type_to(&one, shell, "by the reader", "shell", SURE);
	one.holder = holder;
	type_to(&one, shell, "by the opener", "shell", SURE);
}

/* Nobody has read the master yet and two have it. */
static void unread(void)
{
	struct actor *child;

	set_up();
	child = (void *)play(holder, breed, "child");
	say_role("child", child->pid, "child");
	check(call(shell, SYS_write, one.slave, P("to whom"), 7) == 7, "write");
	say_stroke((struct stroke){&one, shell, "terminal", "to whom", 7, READ, SURE});
	check(call(holder, SYS_read, one.master, P(stage->arena), 100) == 7, "read");
	print_to(&one, shell, "to you", SURE);
	check(call(shell, SYS_write, one.slave, P("unread"), 6) == 6, "write");
	say_stroke((struct stroke){&one, shell, "terminal", "unread", 6, READ, MUST_GUESS});
}

/* Whoever reads the master has the name that he has by then. */
static void renamed(void)
{
	set_up();
	print_to(&one, shell, "to the terminal", SURE);
	rename_to(holder, "console");
	check(call(shell, SYS_write, one.slave, P("to the console"), 14) == 14, "write");
	say_stroke((struct stroke){&one, shell, "console", "to the console", 14, READ, SURE});
	check(call(holder, SYS_read, one.master, P(stage->arena), 100) == 14, "read");
}

/* One process has several descriptors of the master: no other could read it. */
static void doubled(void)
{
	set_up();
	print_to(&one, shell, "to one descriptor", SURE);
	must(call(holder, SYS_dup, one.master), "dup");
	print_to(&one, shell, "to either descriptor", SURE);
}

/* By /dev/tty the terminal has its own name all the same. */
static void by_other_name(void)
{
	long fd;

	set_up();
	fd = call(shell, SYS_openat, AT_FDCWD, P("/dev/tty"), O_RDWR, 0);
	must(fd, "/dev/tty");
	check(call(shell, SYS_write, fd, P("password: "), 10) == 10, "write");
	say_stroke((struct stroke){&one, shell, "terminal", "password: ", 10, READ, SURE});
	check(call(holder, SYS_read, one.master, P(stage->arena), 100) == 10, "read");
}

#include "pty_ways.h"

/* The number of a terminal that is gone is given out again, to others. */
static void reused(void)
{
	struct actor *second;

	set_up();
	print_to(&one, shell, "first", MAY_MISS);
	must(call(shell, SYS_close, one.slave), "close");
	must(call(holder, SYS_close, one.master), "close");
	holder = cast("second-holder");
	second = cast("second-shell");
	one = open_terminal(holder);
	enter_session(&one, second);
	print_to(&one, second, "second", SURE);
	type_to(&one, second, "typed", "second-shell", SURE);
}

static long become_shell(long fd)
{
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	setenv("TERM", "dumb", 1);
	setenv("PS1", "ready> ", 1);
	setenv("HISTFILE", "", 1);
	execl("/bin/bash", "bash", "--norc", "--noprofile", "-i", NULL);
	execlp("sh", "sh", "-i", NULL);
	return -errno;
}

/* All that the shell has printed is in `output`, up to and with this text, or to its end. */
static void read_until(char *output, size_t size, const char *text)
{
	size_t have = strlen(output);
	long n;

	for (;;) {
		n = call(holder, SYS_read, one.master, P(stage->arena), 4096);
		if (n == -EIO)
			break;
		must(n, "read of the master");
		check(have + n < size, "the shell prints too much");
		memcpy(output + have, stage->arena, n);
		have += n;
		output[have] = 0;
		if (text && strstr(output, text))
			return;
	}
	check(text == NULL, "the shell is gone");
}

/* A real one, and all that it prints, as the last line of the truth. */
static void real_shell(void)
{
	static char output[16384];

	holder = cast("terminal");
	one = open_terminal(holder);
	shell = enter("shell");
	enter_session(&one, shell);
	say_role("shell", shell->pid, access("/bin/bash", X_OK) == 0 ? "bash" : "sh");
	begin(shell, PLAY, P(become_shell), one.slave);
	read_until(output, sizeof(output), "ready> ");
	type_to(&one, NULL, "echo hello-$((6 * 7))\n", "shell", SURE);
	read_until(output, sizeof(output), "hello-42\n");
	type_to(&one, NULL, "exit\n", "shell", SURE);
	read_until(output, sizeof(output), NULL);
	say_stroke((struct stroke){&one, shell, "terminal", output, strlen(output), READ, SURE});
}

static const struct mode modes[] = {
	{"both", both},		{"jobs", jobs},		  {"leader_gone", leader_gone}, {"echo", echo},
	{"several", several},	{"forked", forked},	  {"unread", unread}, {"doubled", doubled}, {"renamed", renamed},		{"by_other_name", by_other_name},
	{"left", left}, {"succeeded", succeeded},
	{"typed", typed}, {"gathered", gathered}, {"large", large}, {"gone", gone}, {"sendfile", by_sendfile},	  {"failed", failed},		{"no_session", no_session}, {"given_away", given_away},
	{"io_uring", via_uring},	{"reused", reused},
	{"aio", by_aio}, {"aio_seen", by_aio_seen}, {"shell", real_shell},
};

int main(int argc, char **argv)
{
	int status;

	early = argc > 2;
	set_stage();
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		linger();
	return status;
}
