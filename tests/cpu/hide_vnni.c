/* An x86-64 with AVX2 and nothing newer, on one that has more: preloaded, it answers CPUID without AVX-512, VNNI and AMX.

   cc -O2 -shared -fPIC -o hide_vnni.so hide_vnni.c -ldl && LD_PRELOAD=$PWD/hide_vnni.so COMMAND

   arch_prctl(ARCH_CPUID_GET/SET) of Linux lets CPUID fault (flag cpuid_fault in /proc/cpuinfo); the fault is answered
   here with the real values less the features of newer processors. Everything runs at its own speed. Where the
   processor cannot do that, the process ends with status 77 before it begins. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(number) (1u << (number))

static struct sigaction others; /* what the program itself wants done at SIGSEGV */

static long let_cpuid(int allowed) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, (unsigned long)allowed); }

/* Intel SDM volume 2A, CPUID, leaf 7: extended features. */
static void hide(uint32_t leaf, uint32_t subleaf, uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    if (leaf != 7)
        return;
    if (subleaf == 0) {
        *ebx &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31)); /* AVX-512 */
        *ecx &= ~(BIT(1) | BIT(6) | BIT(8) | BIT(11) | BIT(12) | BIT(14)); /* VBMI, VBMI2, GFNI, VNNI, BITALG, POPCNT */
        *edx &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25)); /* 4VNNIW … FP16, AMX */
    }
    if (subleaf == 1) {
        *eax &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23)); /* AVX-VNNI, BF16, AMX-FP16, AVX-IFMA */
        *edx = 0;                                       /* AVX-VNNI-INT8, AVX-NE-CONVERT, AVX10, … */
    }
}

static int (*real_sigaction(void))(int, const struct sigaction *, struct sigaction *)
{
    return (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
}

static void answer(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP];
    /* A general protection fault, as CPUID gives one, comes without an address; a real bad pointer is left alone. */
    if (info->si_code == SI_KERNEL && code[0] == 0x0F && code[1] == 0xA2) {
        uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX];
        uint32_t eax, ebx, ecx, edx;
        let_cpuid(1);
        __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx);
        let_cpuid(0);
        hide(leaf, subleaf, &eax, &ebx, &ecx, &edx);
        registers[REG_RAX] = eax;
        registers[REG_RBX] = ebx;
        registers[REG_RCX] = ecx;
        registers[REG_RDX] = edx;
        registers[REG_RIP] += 2;
        return;
    }
    if (others.sa_flags & SA_SIGINFO && others.sa_sigaction) {
        others.sa_sigaction(number, info, context);
    } else if (others.sa_handler != SIG_DFL && others.sa_handler != SIG_IGN) {
        others.sa_handler(number);
    } else {
        struct sigaction none = {.sa_handler = SIG_DFL};
        real_sigaction()(SIGSEGV, &none, NULL); /* the instruction is run again, and ends the process */
    }
}

int sigaction(int number, const struct sigaction *wanted, struct sigaction *before)
{
    if (number != SIGSEGV)
        return real_sigaction()(number, wanted, before);
    if (before != NULL)
        *before = others;
    if (wanted != NULL)
        others = *wanted;
    return 0;
}

sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction wanted = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
    return sigaction(number, &wanted, &before) ? SIG_ERR : before.sa_handler;
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction ours = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER}; /* on its own stack: others are too small for AMX */
    real_sigaction()(SIGSEGV, &ours, &others);
    if (let_cpuid(0) != 0)
        _exit(77);
}
