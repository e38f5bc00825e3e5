/*
 * Where dist/ipcdump-static starts. The kernel has mapped two programs into one process: Bun, and this file's
 * one, which holds musl's loader and libc. To the loader everything shall look as if the kernel had found it
 * by Bun's PT_INTERP, so this says where both are and hands over. It also takes variables out of the
 * environment that are meant for someone else.
 */
#include <elf.h>
#define WITHIN_START_C
#include "../child.c"
#include "resources.h"

#if !defined(__x86_64__)
#error "where a program starts on this processor is not known here"
#endif

/* Bun's entry point and program headers. graft.ts fills this in; see there. */
struct program {
	unsigned long entry;
	unsigned long headers;
	unsigned long header_count;
};
__attribute__((section(".ipcdump.program"), used)) volatile struct program ipcdump_program = {1, 1, 1};

/* Of the linker: where this file's own ELF header is in memory. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* LD_PRELOAD and the like name libraries of the root's own libc, which ours can't load. */
static const char always[][12] = {"LD_"};

/* What makes Bun, its allocator or ipcdump run the code or use the files of whoever starts it. */
static const char privileged[][12] = {"BUN_", "NODE_", "IPCDUMP_", "JSC_", "MIMALLOC_"};

/*
 * Where files in memory can't be executed the executable is its own child.c, when it is called by this name. Whatever
 * capabilities the file has are not meant for that.
 */
static const char child_name[] = "ipcdump-child";

static void act_as_child(unsigned long *stack, int is_secure)
{
	static const unsigned header[] = {0x20080522, 0}; /* _LINUX_CAPABILITY_VERSION_3 */
	static const unsigned none[6];

	if (is_secure)
		call(126 /* capset */, (long)header, (long)none, 0);
	start((long *)stack);
}

static int equals(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Whatever the case of its letters: mimalloc does not look at it either */
static int begins_with(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++) {
		char letter = *text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text;

		if (letter != *prefix)
			return 0;
	}
	return 1;
}

static int is_unwanted(const char *variable, int is_secure)
{
	for (unsigned i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (begins_with(variable, always[i]))
			return 1;
	for (unsigned i = 0; is_secure && i < sizeof(privileged) / sizeof(*privileged); i++)
		if (begins_with(variable, privileged[i]))
			return 1;
	return 0;
}

__attribute__((used, visibility("hidden"))) void ipcdump_prepare(unsigned long *stack)
{
	unsigned long *from = stack + 1 + stack[0] + 1; /* the environment */
	unsigned long *to = from;
	Elf64_auxv_t *auxiliary;
	int is_secure = 1; /* a kernel that does not say is not trusted */

	while (*from)
		from++;
	auxiliary = (Elf64_auxv_t *)(from + 1);
	for (Elf64_auxv_t *a = auxiliary; a->a_type != AT_NULL; a++)
		if (a->a_type == AT_SECURE)
			is_secure = a->a_un.a_val != 0;
	if (stack[0] > 0 && equals((const char *)stack[1], child_name))
		act_as_child(stack, is_secure);
	check_resources();
	for (from = to; *from; from++)
		if (!is_unwanted((const char *)*from, is_secure))
			*to++ = *from;
	*to++ = 0;
	/* the loader looks for the auxiliary vector right behind the environment */
	for (Elf64_auxv_t *a = auxiliary;; a++) {
		unsigned long type = a->a_type, value = a->a_un.a_val;

		if (type == AT_BASE)
			value = (unsigned long)__ehdr_start;
		else if (type == AT_ENTRY)
			value = ipcdump_program.entry;
		else if (type == AT_PHDR)
			value = ipcdump_program.headers;
		else if (type == AT_PHNUM)
			value = ipcdump_program.header_count;
		*to++ = type;
		*to++ = value;
		if (type == AT_NULL)
			break;
	}
}

/* _dlstart is where musl's loader begins. It wants the stack as the kernel left it. */
__asm__(".text\n"
	".globl ipcdump_start\n"
	".hidden ipcdump_start\n"
	"ipcdump_start:\n"
	"	mov %rsp, %rbx\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call ipcdump_prepare\n"
	"	mov %rbx, %rsp\n"
	"	jmp _dlstart\n");
