/* Two processes and what they talk through, for all of unix.c. */
#pragma once
#include "unix.h"
#include "ring.h"
#include <pthread.h>
#include <sys/resource.h>

static int type;
static const char *naming = "", *folder = ".";
static int early;
static struct actor *ann, *bob;
static struct plug a, b; /* ann's and bob's */

static struct name new_name(void)
{
	char text[128];
	struct name name;
	size_t count;

	if (!strcmp(naming, "abstract") || !strcmp(naming, "padded")) {
		count = snprintf(text, sizeof(text), "ipcdump%ctest%c%d", 0, 0, getpid());
		if (!strcmp(naming, "abstract"))
			return abstract_name(text, count, 0);
		count = snprintf(text, sizeof(text), "i_shall_remain_nameless_%d", getpid());
		return abstract_name(text, count, 1);
	}
	if (!strcmp(naming, "relative")) {
		snprintf(text, sizeof(text), "./relative-%d", getpid());
		must(call(ann, SYS_chdir, P(folder)), "chdir");
		must(call(bob, SYS_chdir, P(folder)), "chdir");
		name = path_name(text);
		/* it is shown as the path it is */
		snprintf(name.path, sizeof(name.path), "%s%s", folder, text + 1);
		return name;
	} else {
		snprintf(text, sizeof(text), "%s/bound-%d", folder, getpid());
	}
	return path_name(text);
}

/* Both directions, twice. */
static void talk(const char *path)
{
	for (int round = 0; round < 2; round++) {
		pass(type, path, &a, &b, "IT IS TIME FOR YOU TO RECEIVE A MESSAGE");
		pass(type, path, &b, &a, "and one back");
	}
}

static void unnamed(void)
{
	int ends[2];

	make_pair(ends, type);
	ann = cast("ann");
	bob = cast("bob");
	a = keep(ann, ends[0]);
	b = keep(bob, ends[1]);
}

static void pair(void)
{
	struct name name;
	struct plug listener;

	if (!strcmp(naming, "unnamed")) {
		unnamed();
		if (early)
			wait_for_test();
		talk(NULL);
		return;
	}
	ann = cast("ann");
	bob = cast("bob");
	name = new_name();
	a = open_plug(ann, AF_UNIX, type);
	if (type == SOCK_DGRAM) {
		b = open_plug(bob, AF_UNIX, type);
		bind_plug(&b, name.address, name.length);
		connect_plug(&a, name.address, name.length);
		if (early)
			wait_for_test();
		pass(type, name.path, &a, &b, "IT IS TIME FOR YOU TO RECEIVE A MESSAGE");
		pass(type, name.path, &a, &b, "and another");
		return;
	}
	listener = open_plug(bob, AF_UNIX, type);
	bind_plug(&listener, name.address, name.length);
	listen_plug(&listener);
	connect_plug(&a, name.address, name.length);
	b = accept_plug(&listener);
	close_plug(&listener);
	if (early)
		wait_for_test();
	talk(name.path);
}
