/* What sockets are called: one of a pair, both, by another name than they were bound to, and datagrams by address. */
#pragma once
#include "unix_scene.h"

/* A pair of sockets of which one is bound: the path is that one's in both directions. */
static void half_named(void)
{
	struct name name;

	unnamed();
	name = new_name();
	bind_plug(&a, name.address, name.length);
	talk(name.path);
}

static struct name name_in(const char *subfolder, const char *file)
{
	char text[128];

	snprintf(text, sizeof(text), "%s/%s%s-%d", folder, subfolder, file, getpid());
	return path_name(text);
}

/* The connecting side is bound as well: the path is that of the one accepted, in both directions. */
static void bound_client(void)
{
	struct name server, client;
	struct plug listener;

	ann = cast("ann");
	bob = cast("bob");
	listener = open_plug(bob, AF_UNIX, type);
	client = name_in("", "client");
	server = name_in("", "server");
	bind_plug(&listener, server.address, server.length);
	listen_plug(&listener);
	a = open_plug(ann, AF_UNIX, type);
	bind_plug(&a, client.address, client.length);
	connect_plug(&a, server.address, server.length);
	b = accept_plug(&listener);
	talk(server.path);
}

static void pass_named(const struct plug *from, const char *src_path, const struct plug *to,
		       const char *path)
{
	const char *text = "to and fro";
	long count = strlen(text);

	check(call(from->who, SYS_sendto, from->fd, P(text), count, 0, 0, 0) == count, "send");
	say_letter((struct letter){.type = type,
				   .path = path,
				   .from = from,
				   .to = to,
				   .bytes = text,
				   .count = count,
				   .src_path = src_path});
	check(take(to) == count, "recv");
}

/* Datagrams between two sockets that are bound: one by its address, then both connected. */
static void both_bound(void)
{
	const char *text = "before it was connected";
	long count = strlen(text);
	struct name server, client;

	ann = cast("ann");
	bob = cast("bob");
	client = name_in("", "client");
	naming = "abstract";
	server = new_name();
	a = open_plug(ann, AF_UNIX, type);
	b = open_plug(bob, AF_UNIX, type);
	bind_plug(&a, client.address, client.length);
	bind_plug(&b, server.address, server.length);
	check(call(ann, SYS_sendto, a.fd, P(text), count, 0, P(server.address), server.length) ==
		      count,
	      "sendto");
	say_letter((struct letter){.type = type,
				   .path = server.path,
				   .from = &a,
				   .to = &b,
				   .bytes = text,
				   .count = count,
				   .src_path = client.path});
	check(take(&b) == count, "recv");
	connect_plug(&a, server.address, server.length);
	connect_plug(&b, client.address, client.length);
	for (int round = 0; round < 2; round++) {
		pass_named(&a, client.path, &b, server.path);
		pass_named(&b, server.path, &a, client.path);
	}
}

/* Somebody connects to a socket by one name that was bound by another; `shown`: as it is printed, NULL: not asked for */
static void meet(struct name bound, struct name known, const char *shown)
{
	struct plug listener = open_plug(bob, AF_UNIX, type);

	bind_plug(&listener, bound.address, bound.length);
	listen_plug(&listener);
	if (strcmp(bound.path, known.path))
		rename(bound.path, known.path);
	a = open_plug(ann, AF_UNIX, type);
	connect_plug(&a, known.address, known.length);
	b = accept_plug(&listener);
	if (shown) {
		talk(shown);
	} else {
		check(call(ann, SYS_sendto, a.fd, P("unseen"), 6, 0, 0, 0) == 6, "send");
		take(&b);
	}
}

static struct name name_of(const char *file)
{
	char text[128];

	snprintf(text, sizeof(text), "%s/%s", folder, file);
	return path_name(text);
}

/* In a folder that has `run`, and `link` that is a symbolic link to that. */
static void file_names(void)
{
	struct name relative = path_name("relative"), temporary = name_of("run/temporary");
	const char *same[] = {"link/bound", "run/asked", "run/starred"};
	struct name run = name_of("run");

	ann = cast("ann");
	bob = cast("bob");
	must(call(ann, SYS_chdir, P(run.address->sun_path)), "chdir");
	must(call(bob, SYS_chdir, P(run.address->sun_path)), "chdir");
	meet(relative, relative, name_of("run/relative").path);
	for (int i = 0; i < 3; i++)
		meet(name_of(same[i]), name_of(same[i]), name_of(same[i]).path);
	meet(temporary, name_of("run/renamed"), temporary.path);
	meet(name_of("run/other"), name_of("run/other"), NULL);
}

/* Datagrams by sendto, and by connect to one after another. */
static void to_whom(void)
{
	struct actor *cyd;
	struct plug c;
	struct name bobs, cyds;
	char text[128];
	const char *message = "to whom it may concern";
	long count = strlen(message);

	ann = cast("ann");
	bob = cast("bob");
	cyd = cast("cyd");
	naming = "bound";
	bobs = new_name();
	snprintf(text, sizeof(text), "%s/cyd-%d", folder, getpid());
	cyds = path_name(text);
	a = open_plug(ann, AF_UNIX, SOCK_DGRAM);
	b = open_plug(bob, AF_UNIX, SOCK_DGRAM);
	c = open_plug(cyd, AF_UNIX, SOCK_DGRAM);
	bind_plug(&b, bobs.address, bobs.length);
	bind_plug(&c, cyds.address, cyds.length);
	for (int round = 0; round < 4; round++) {
		struct plug *to = round % 2 ? &c : &b;
		struct name *name = round % 2 ? &cyds : &bobs;

		if (round < 2) {
			check(call(ann, SYS_sendto, a.fd, P(message), count, 0, P(name->address), name->length) == count,
			      "sendto");
			say_letter((struct letter){SOCK_DGRAM, name->path, &a, to, message, count, 0, 0, NULL, NULL});
			check(take(to) == count, "recv");
		} else {
			connect_plug(&a, name->address, name->length);
			pass(SOCK_DGRAM, name->path, &a, to, message);
		}
	}
	/* connected to cyd, and yet to bob */
	check(call(ann, SYS_sendto, a.fd, P(message), count, 0, P(bobs.address), bobs.length) == count, "sendto");
	say_letter((struct letter){SOCK_DGRAM, bobs.path, &a, &b, message, count, 0, 0, NULL, NULL});
	check(take(&b) == count, "recv");
}
