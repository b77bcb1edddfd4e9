/* SPDX-License-Identifier: MIT */
/*
 * x86_64.h - the stack switch for the System V ABI, inline (see core/stack/arch.h; its other half is x86_64.S).
 *
 * A suspended context is three words: where its stack is, where it goes on, and its frame pointer.  The compiler knows
 * that every other register is lost, so it keeps on the stack what is alive at that place and no more.
 *
 * Inline for two reasons, both measured.  A switch that is a function is entered by a `call` on one stack and left to
 * another, so that the processor's return predictor holds an entry that belongs to nobody, and the next `ret` of the
 * resumed side goes astray: a third of the cost of a switch through the loop.  And six registers that are saved at every
 * switch are mostly dead.
 *
 * The stack pointer is not moved here, so the unwind rules of the function around are right at every instruction, also
 * those of a suspended context: give a debugger its sp, pc and bp.  mxcsr and the x87 control word are left alone.
 */
#ifndef BIDE_CORE_ARCH_X86_64_H
#define BIDE_CORE_ARCH_X86_64_H

struct context {
    void *sp, *pc, *bp; /* valid while suspended; bide__context_make knows their offsets, and so does bide__switch */
};

#if defined(__AVX512F__)
#define BIDE_AVX512_REGISTERS                                                                          \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",       \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",     \
        "k6", "k7"
#else
#define BIDE_AVX512_REGISTERS
#endif

static inline __attribute__((always_inline)) void *bide__switch(struct context *from, const struct context *to, void *arg)
{
    /* notrack: the label is no target of an indirect jump in the eyes of IBT. */
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, 0(%%rdi)\n\t"
                     "movq %%rax, 8(%%rdi)\n\t"
                     "movq %%rbp, 16(%%rdi)\n\t"
                     "movq 0(%%rsi), %%rsp\n\t" /* from here on we are the other context */
                     "movq 16(%%rsi), %%rbp\n\t"
                     "notrack jmpq *8(%%rsi)\n"
                     "1:"
                     : "+D"(from), "+S"(to), "+d"(arg)
                     :
                     : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15" BIDE_AVX512_REGISTERS, "memory", "cc");
    return arg;
}

#endif
