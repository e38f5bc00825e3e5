/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What both executables do before Bun: look at what there is, note what the caller gave, and offer handlers of signals.
 * By the name below an executable is its own child.c, for where files in memory can't be executed. Whatever
 * capabilities the file has are not meant for that.
 */
#include <elf.h>
#define CHILD_IS_PART
#include "child.c"
#include "handlers.h"
#include "resources.h"

/* Bun's entry point and program headers. graft.ts fills this in; see there. */
struct program {
	unsigned long entry;
	unsigned long headers;
	unsigned long header_count;
};
__attribute__((section(".ipcdump.program"), used)) volatile struct program ipcdump_program = {1, 1, 1};

/* What JavaScript reads; build.ts tells it where. */
__attribute__((section(".ipcdump.shared"), used)) struct {
	struct caller caller;
	struct descriptors descriptors;
	unsigned long memory; /* that its cgroups allow, in bytes; all ones without a limit */
	struct handlers handlers;
} ipcdump_shared = {{1, 1, 1, 1}, {0}, 1, {0}};

static const char child_name[] = "ipcdump-child";

static int equals(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void act_as_child(unsigned long *stack, int is_secure)
{
	static const unsigned header[] = {0x20080522, 0}; /* _LINUX_CAPABILITY_VERSION_3 */
	static const unsigned none[6];

	if (is_secure)
		call(CAPSET, (long)header, (long)none, 0);
	start((long *)stack);
}

/* What the kernel tells each program, behind its environment */
static Elf64_auxv_t *auxiliary_vector(unsigned long *stack)
{
	unsigned long *end = stack + 1 + stack[0] + 1;

	while (*end)
		end++;
	return (Elf64_auxv_t *)(end + 1);
}

/* Whether the file gave rights that the caller has not; a kernel that does not say is not trusted */
static int is_secure(unsigned long *stack)
{
	for (Elf64_auxv_t *a = auxiliary_vector(stack); a->a_type != AT_NULL; a++)
		if (a->a_type == AT_SECURE)
			return a->a_un.a_val != 0;
	return 1;
}

static void begin(unsigned long *stack)
{
	static const struct action by_default = {SIG_DFL, {0}};

	if (stack[0] > 0 && equals((const char *)stack[1], child_name))
		act_as_child(stack, is_secure(stack));
	ipcdump_shared.memory = memory_limit();
	check_resources(ipcdump_shared.memory);
	ipcdump_shared.caller = (struct caller){0};
	learn(&ipcdump_shared.caller);
	look(&ipcdump_shared.descriptors, ipcdump_shared.caller.files);
	offer(&ipcdump_shared.handlers);
	/* while it is ignored, how a child ended is told nobody */
	call5(RT_SIGACTION, SIGCHLD, (long)&by_default, 0, sizeof(long), 0);
}
