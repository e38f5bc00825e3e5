/* Sockets that a program is started with. */
#pragma once
#include "owner_scene.h"

/* An actor that is another program: the stage is mapped by its number. */
static int stage_file;

static long become_activated(long listener)
{
	char place[32], role[16];
	struct actor *self = &stage->actors[stage->count - 1];

	/* as systemd does it: the listener is 3 */
	if (listener != 3)
		dup2(listener, 3);
	snprintf(place, sizeof(place), "%p", (void *)stage);
	snprintf(role, sizeof(role), "%d", (int)(self - stage->actors));
	fcntl(stage_file, F_SETFD, 0);
	execl("/proc/self/exe", "activated", "--activated", place, role, NULL);
	return -errno;
}

static long be_activated(char **argv)
{
	void *place = (void *)strtoul(argv[2], NULL, 16);
	struct actor *self;

	stage = mmap(place, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, 9, 0);
	check((void *)stage == place, "mmap of the stage");
	self = &stage->actors[atoi(argv[3])];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, self->name);
	self->result = 0;
	change(&self->state, DONE);
	act(self);
	return 0;
}

/* Socket activation: the parent binds and listens, the program it starts accepts, as number 3. */
static void activated(void)
{
	struct plug listener;
	struct name name;
	void *place;
	int fd;

	/* a stage that lives on over exec, out of the way of the other descriptors */
	fd = memfd_create("stage", 0);
	check(ftruncate(fd, sizeof(*stage)) == 0, "ftruncate");
	check(dup2(fd, 9) == 9, "dup2");
	stage_file = 9;
	place = mmap((void *)0x200000000000, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	check(place != MAP_FAILED, "mmap");
	memcpy(place, stage, sizeof(*stage));
	munmap(stage, sizeof(*stage));
	stage = place;

	ann = cast("client");
	bob = cast("init");
	listener = listen_at_new(bob, &name);
	cyd = (void *)play(bob, breed, "service");
	check(play(cyd, become_activated, listener.fd) == 0, "exec");
	say_role("service", cyd->pid, "service");
	wait_if_early();
	for (int i = 0; i < 2; i++) {
		a = open_plug(ann, AF_UNIX, SOCK_STREAM);
		connect_plug(&a, name.address, name.length);
		c = (struct plug){.who = cyd, .fd = 3};
		c = accept_plug(&c);
		pass(SOCK_STREAM, name.path, &a, &c, "to the service");
		pass(SOCK_STREAM, name.path, &c, &a, "from the service");
	}
}

/* inetd: the parent accepts, the program it starts gets the connection as its number 3. */
static void inetd(void)
{
	struct plug listener;
	struct name name;

	ann = cast("client");
	bob = cast("inetd");
	listener = listen_at_new(bob, &name);
	a = open_plug(ann, AF_UNIX, SOCK_STREAM);
	connect_plug(&a, name.address, name.length);
	b = accept_plug(&listener);
	cyd = fork_of(bob, "service");
	c = plug(cyd, call(cyd, SYS_dup, b.fd));
	call(cyd, SYS_close, b.fd);
	close_plug(&b);
	wait_if_early();
	pass(SOCK_STREAM, name.path, &c, &a, "welcome");
	pass(SOCK_STREAM, name.path, &a, &c, "thanks");
}
