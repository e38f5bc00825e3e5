/*
 * What a workload says of itself: JSON lines on stdout, each in one write.
 *   {"role":"writer","pid":12,"comm":"writer"}
 *   {"pipe":"a","name":"<anonymous>","inode":34}
 *   {"moved":{"src":"writer","pipe":"a","dst":"reader","count":2,"hex":"6869"}}
 *   {"sent":{"src":"sender","dst":"target","num":10,"name":"SIGUSR1"}}
 *   {"socket":56}
 *   {"terminal":"pts/3"}
 *   {"refused":"unix-stream: io_uring send_zc"}
 *   {"carried":{"type":"unix-stream","src":"ann","dst":"bob","meta":{"path":"/run/a",…},"count":2,"hex":"6869"}}
 * A test turns moved, sent and carried lines into the events that ipcdump owes it.
 */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	_exit(1);
}

/* For what must be true of the workload itself. */
static inline void check(int truth, const char *what)
{
	if (!truth)
		die(what);
}

static inline void write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count) {
		ssize_t n = write(fd, at, count);

		if (n < 0)
			die("write");
		at += n;
		count -= n;
	}
}

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	va_list arguments;
	char *line;
	int length;

	va_start(arguments, format);
	length = vasprintf(&line, format, arguments);
	va_end(arguments);
	check(length >= 0, "vasprintf");
	line[length] = '\n'; /* in the place of the NUL */
	write_all(STDOUT_FILENO, line, length + 1);
	free(line);
}

static inline void say_role(const char *role, pid_t pid, const char *comm)
{
	say("{\"role\":\"%s\",\"pid\":%d,\"comm\":\"%s\"}", role, pid, comm);
}

static inline unsigned long inode_of(int fd)
{
	struct stat status;

	check(fstat(fd, &status) == 0, "fstat");
	return status.st_ino;
}

/* name: as ipcdump must print it, already fit for JSON */
static inline void say_pipe(const char *label, int fd, const char *name)
{
	say("{\"pipe\":\"%s\",\"name\":\"%s\",\"inode\":%lu}", label, name, inode_of(fd));
}

enum how {
	READ,	 /* contents must be there in full */
	SPLICED, /* contents may be cut short, the back end's table says how */
	URING,	 /* as READ, for back ends that see io_uring at all */
};

/* Hexadecimal, for the caller to free. */
static inline char *hex_of(const void *bytes, size_t count)
{
	char *hex = malloc(2 * count + 1);

	check(hex != NULL, "malloc");
	for (size_t i = 0; i < count; i++)
		sprintf(hex + 2 * i, "%02x", ((const unsigned char *)bytes)[i]);
	hex[2 * count] = 0;
	return hex;
}

static const char *const how_tails[] = {"", ",\"how\":\"spliced\"", ",\"how\":\"uring\""};

/* src is a role, or "?" when nobody can know */
static inline void say_moved(const char *src, const char *pipe, const char *dst, const void *bytes,
			     size_t count, enum how how)
{
	char *hex = hex_of(bytes, count);

	say("{\"moved\":{\"src\":\"%s\",\"pipe\":\"%s\",\"dst\":\"%s\",\"count\":%zu,\"hex\":\"%s\"%s}}", src,
	    pipe, dst, count, hex, how_tails[how]);
	free(hex);
}

enum guess {
	SURE,	    /* the destination must be right, and no mark on it */
	MUST_GUESS, /* right, and marked */
	MAY_GUESS,  /* right, or marked */
	MAY_MISS,   /* as that, or unknown: who had it never used it, and has it no longer when it is looked up */
};

/*
 * One transfer over a socket or a terminal. dst is a role, or "?" when nobody holds that end; meta: the members
 * of meta but count, as JSON.
 */
static inline void say_carried(const char *type, const char *src, const char *dst, const char *meta,
			       const void *bytes, size_t count, enum how how, enum guess guess)
{
	static const char *const tails[] = {"", ",\"guess\":\"must\"", ",\"guess\":\"may\"",
					  ",\"guess\":\"miss\""};
	char *hex = hex_of(bytes, count);

	say("{\"carried\":{\"type\":\"%s\",\"src\":\"%s\",\"dst\":\"%s\",\"meta\":{%s},\"count\":%zu,\"hex\":\"%s\"%s%s}}",
	    type, src, dst, meta, count, hex, how_tails[how], tails[guess]);
	free(hex);
}

/* more: further JSON members, such as ,"result":"ignored" */
static inline void say_sent(const char *src, const char *dst, int number, const char *name, const char *more)
{
	say("{\"sent\":{\"src\":\"%s\",\"dst\":\"%s\",\"num\":%d,\"name\":\"%s\"%s}}", src, dst, number, name,
	    more);
}

/* Where a workload waits for the test: until it closes stdin or sends a line. */
static inline void wait_for_test(void)
{
	char byte;

	say("{\"waiting\":true}");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

struct mode {
	const char *name;
	void (*run)(void);
};

static inline int run_mode(const struct mode *modes, size_t count, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < count; i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].run();
		return 0;
	}
	fprintf(stderr, "usage: %s MODE, one of:", argv[0]);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, " %s", modes[i].name);
	fprintf(stderr, "\n");
	return 2;
}

#define RUN_MODE(modes, argc, argv) run_mode(modes, sizeof(modes) / sizeof(modes[0]), argc, argv)
