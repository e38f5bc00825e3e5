/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* How much memory the cgroups of this process allow: by version 2, which has `max` for no limit, and by version 1. */
#ifndef MEMORY_H
#define MEMORY_H
#include "caller.h"

#define UNLIMITED (~0ul)
#define PATH_SIZE 4352

static unsigned long number_in(const char *path)
{
	char digits[32];
	long file = call5(OPENAT, AT_FDCWD, (long)path, 0, 0, 0);
	long length = file < 0 ? 0 : call(READ, file, (long)digits, sizeof(digits));
	unsigned long value = 0;
	long at = 0;

	if (file >= 0)
		call(CLOSE, file, 0, 0);
	/* a number of 20 digits is no limit either */
	for (; at < length && at < 19 && digits[at] >= '0' && digits[at] <= '9'; at++)
		value = value * 10 + digits[at] - '0';
	return at == 0 ? UNLIMITED : value;
}

static long append(char *path, long at, const char *words)
{
	while (*words && *words != '\n' && at < PATH_SIZE - 1)
		path[at++] = *words++;
	path[at] = 0;
	return at;
}

/* The least that a group below a root and those it is in allow, where `file` says it */
static unsigned long least(const char *root, const char *group, const char *file)
{
	static char path[PATH_SIZE];
	unsigned long limit = UNLIMITED;
	long begin = append(path, 0, root);
	long end = append(path, begin, group);

	for (;;) {
		append(path, end, file);
		unsigned long own = number_in(path);

		limit = own < limit ? own : limit;
		if (end == begin)
			return limit;
		while (end > begin && path[end - 1] != '/')
			end--;
		if (end > begin)
			end--;
	}
}

static int begins(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

/* In bytes */
static unsigned long memory_limit(void)
{
	static char groups[4096];
	long file = call5(OPENAT, AT_FDCWD, (long)"/proc/self/cgroup", 0, 0, 0);
	long length = file < 0 ? 0 : call(READ, file, (long)groups, sizeof(groups) - 1);
	unsigned long limit = UNLIMITED;

	if (file >= 0)
		call(CLOSE, file, 0, 0);
	/* lines of a number, controllers and the group, between colons */
	for (char *at = groups; at < groups + length; at++) {
		unsigned long own = UNLIMITED;

		while (*at && *at != ':')
			at++;
		if (begins(at, "::/"))
			own = least("/sys/fs/cgroup", at + 2, "/memory.max");
		else if (begins(at, ":memory:/"))
			own = least("/sys/fs/cgroup/memory", at + 8, "/memory.limit_in_bytes");
		limit = own < limit ? own : limit;
		while (*at && *at != '\n')
			at++;
	}
	return limit;
}

#endif
