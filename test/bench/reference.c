/*
 * What ipcdump is measured against: plain C with libbpf on the same BPF object, the same programs with
 * the same configuration, the ring drained in the same rhythm, and the same lines by fprintf. It knows
 * pipes, and unix and TCP sockets whose both ends the kernel side names; no filters, no guesses in
 * words, no order between CPUs, no hidden characters: all of that is left out in its favour.
 *
 * reference OBJECT FORM CONTENTS KINDS OUTPUT PROGRAM=TARGET,...
 * FORM text, json, count; CONTENTS is the most bytes an event, -1: none; KINDS a mask. Of the targets of
 * a program the first that the kernel has is taken. With OBJECT alone it prints the names of its programs.
 */
#include "reference_print.h"

/*
 * The one event whose contents are behind it in the ring, which may be overwritten by then: a copy. It
 * ends with them or with the next event.
 */
static struct pending pending;

static void finish(const u8 *data, u32 length)
{
	if (pending.is)
		print_event((void *)pending.event, data, length);
	pending.is = false;
}

static int take(void *context, void *data, size_t size)
{
	const struct event_record *event = data;
	const struct chunk_record *chunk = data;

	(void)context;
	switch (size >= 4 ? event->type : 0) {
	case RECORD_NAME:
		add_name(data);
		break;
	case RECORD_EVENT:
		finish(NULL, 0);
		if (event->kind >= KINDS || !kind_names[event->kind])
			break;
		pending.is = event->captured > 0;
		if (pending.is)
			memcpy(pending.event, event,
			       size < sizeof(pending.event) ? size : sizeof(pending.event));
		else
			print_event(event, NULL, 0);
		break;
	case RECORD_CHUNK:
		if (((struct event_record *)pending.event)->thread == chunk->thread)
			finish(chunk->data, chunk->length);
		break;
	}
	return 0;
}

static int quiet(int level, const char *format, va_list list)
{
	return level == 0 ? vfprintf(stderr, format, list) : 0;
}

static bool is_aimed(const char *name)
{
	return !strstr(name, "__kprobe") && !strstr(name, "__perf");
}

/* One of the words PROGRAM=TARGET,...; false: this kernel has none of the targets */
static bool enable(struct bpf_object *object, char *word)
{
	char *targets = strchr(word, '=');
	struct bpf_program *program;

	if (!targets)
		errx(2, "%s: not PROGRAM=TARGET", word);
	*targets++ = 0;
	program = bpf_object__find_program_by_name(object, word);
	if (!program)
		errx(1, "no program %s", word);
	for (char *target = strtok(targets, ","); target; target = strtok(NULL, ",")) {
		if (is_aimed(word) && bpf_program__set_attach_target(program, 0, target))
			continue;
		bpf_program__set_autoload(program, true);
		return true;
	}
	return false;
}

static void attach(struct bpf_object *object, char *word, char *end)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, word);
	struct bpf_link *link = NULL;

	if (strstr(word, "__kprobe"))
		for (char *target = word + strlen(word) + 1; !link && target < end;
		     target += strlen(target) + 1)
			link = bpf_program__attach_kprobe(program, false, target);
	else
		link = bpf_program__attach(program);
	if (!link)
		err(1, "cannot attach %s", word);
}

static int list_programs(struct bpf_object *object)
{
	struct bpf_program *program = NULL;

	while ((program = bpf_object__next_program(object, program)))
		puts(bpf_program__name(program));
	return 0;
}

static void *value_of(struct bpf_object *object, const char *name, size_t *size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		errx(1, "no map %s", name);
	return bpf_map__initial_value(map, size);
}

static s64 offset_of_boot(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return (real.tv_sec - boot.tv_sec) * 1000000000LL + real.tv_nsec - boot.tv_nsec;
}

/* The same rhythm as src/loop.ts: four milliseconds between drains while data flows, epoll when not */
static void drain_until_stopped(struct ring_buffer *ring, struct shared *words)
{
	int idle = 0;

	for (;;) {
		bool last = stopping;
		int n = ring_buffer__consume(ring);

		/* what an event waits for is in the same batch or lost; the ring is given back now */
		finish(NULL, 0);
		fflush(out);
		if (last)
			return;
		boot_to_real = offset_of_boot();
		if (n > 0) {
			idle = 0;
			words->awake = 1;
			usleep(4000);
		} else if (++idle < 3) {
			usleep(4000);
		} else if (words->awake) {
			words->awake = 0;
		} else {
			struct pollfd poller = {.fd = ring_buffer__epoll_fd(ring),
						.events = POLLIN};

			poll(&poller, 1, 500);
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop};
	struct bpf_object *object;
	struct ring_buffer *ring;
	struct config *settings;
	struct shared *words;
	bool enabled[64] = {};
	char *ends[64];
	size_t size;
	u64 lost = 0;
	u32 deliveries = 0, calls = 0;

	libbpf_set_print(quiet);
	object = bpf_object__open(argc > 1 ? argv[1] : "");
	if (!object)
		err(1, "opening the object");
	if (argc == 2)
		return list_programs(object);
	if (argc < 7 || argc > 64)
		errx(2, "usage: reference OBJECT FORM CONTENTS KINDS OUTPUT PROGRAM=TARGET,...");
	form = !strcmp(argv[2], "json")	   ? FORM_JSON
	       : !strcmp(argv[2], "count") ? FORM_COUNT
					   : FORM_TEXT;
	contents = atol(argv[3]);
	out = fopen(argv[5], "w");
	if (!out)
		err(1, "%s", argv[5]);
	setvbuf(out, NULL, _IOFBF, 1 << 18);
	sigaction(SIGINT, &action, NULL);
	boot_to_real = offset_of_boot();

	for (int i = 6; i < argc; i++) {
		ends[i] = argv[i] + strlen(argv[i]) + 1;
		enabled[i] = enable(object, argv[i]);
		if (enabled[i] && !strncmp(argv[i], "loopback_ready", 14))
			deliveries = 1;
		if (enabled[i] && !strncmp(argv[i], "calls_exit", 10))
			calls = atoi(argv[4]);
	}
	settings = value_of(object, ".rodata.config", &size);
	/* linking leaves one for every file, of which the first is used */
	if (size < sizeof(*settings))
		errx(1, "config has %zu bytes, the headers say %zu", size, sizeof(*settings));
	settings->kinds = atoi(argv[4]);
	settings->calls = calls;
	settings->deliveries = deliveries;
	settings->contents = contents >= 0;
	settings->max_bytes = contents > 0 ? contents : 0;
	settings->own_tgid = getpid();
	if (bpf_object__load(object))
		err(1, "load");
	words = value_of(object, ".bss.shared", &size);
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), take, NULL, NULL);
	if (!ring)
		err(1, "ring");
	for (int i = 6; i < argc; i++)
		if (enabled[i])
			attach(object, argv[i], ends[i]);
	fprintf(stderr, "tracing\n");
	drain_until_stopped(ring, words);
	for (int kind = 0; kind < KINDS; kind++)
		for (int reason = 0; reason < LOST_REASONS; reason++)
			lost += words->lost[kind][reason];
	for (u32 i = 0; i < PAIRS; i++)
		if (pairs[i].used)
			fprintf(out, "%s %d(%s) > %d(%s) %llu events %llu bytes\n",
				kind_names[pairs[i].kind], pairs[i].src.tgid, name_of(pairs[i].src),
				pairs[i].dst.tgid, name_of(pairs[i].dst),
				(unsigned long long)pairs[i].events,
				(unsigned long long)pairs[i].bytes);
	fflush(out);
	fprintf(stderr, "%llu events, %llu lost\n", (unsigned long long)events,
		(unsigned long long)lost);
	return 0;
}
