/*
 * Where dist/ipcdump-static starts. The kernel has mapped two programs into one process: Bun, and this file's
 * one, which holds musl's loader and libc. To the loader everything shall look as if the kernel had found it
 * by Bun's PT_INTERP, so this says where both are and hands over. It also takes variables out of the
 * environment that are meant for someone else.
 */
#include "../begin.h"

#if !defined(__x86_64__)
#error "where a program starts on this processor is not known here"
#endif

/* Of the linker: where this file's own ELF header is in memory. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* LD_PRELOAD and the like name libraries of the root's own libc, which ours can't load. */
static const char always[][12] = {"LD_"};

/* What makes Bun, its allocator or ipcdump run the code or use the files of its caller. */
static const char privileged[][12] = {"BUN_", "NODE_", "IPCDUMP_", "JSC_", "MIMALLOC_"};

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

static int is_unwanted(const char *variable, int secure)
{
	for (unsigned i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (begins_with(variable, always[i]))
			return 1;
	for (unsigned i = 0; secure && i < sizeof(privileged) / sizeof(*privileged); i++)
		if (begins_with(variable, privileged[i]))
			return 1;
	return 0;
}

__attribute__((used, visibility("hidden"))) void ipcdump_prepare(unsigned long *stack)
{
	unsigned long *from = stack + 1 + stack[0] + 1; /* the environment */
	unsigned long *to = from;
	Elf64_auxv_t *auxiliary = auxiliary_vector(stack);
	int secure = is_secure(stack);

	begin(stack);
	for (; *from; from++)
		if (!is_unwanted((const char *)*from, secure))
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
