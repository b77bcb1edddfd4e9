/* SPDX-License-Identifier: MIT */
/*
 * x86_64.S - the parts of the System V ABI's stack switch that are not inline (see core/stack/arch.h and x86_64.h).
 *
 * A context that has not run yet has two words at the top of its stack, from its stack pointer up:
 *
 *      0   the entry function
 *      8   0                                 what a careless walker takes for the last return address
 *
 * No function here begins with endbr64, as nothing jumps to them through a pointer (never_indirect in base/hardening.h).
 */

        .text

        .globl  bide__context_make
        .hidden bide__context_make
        .type   bide__context_make, @function
        .p2align 4
bide__context_make:                     /* (struct context *c, void *stack_top, void (*entry)(void *)) */
        .cfi_startproc
        and     $-16, %rsi
        sub     $16, %rsi
        mov     %rdx, 0(%rsi)
        movq    $0, 8(%rsi)
        lea     .Lfirst(%rip), %rax
        mov     %rsi, 0(%rdi)           /* sp */
        mov     %rax, 8(%rdi)           /* pc */
        movq    $0, 16(%rdi)            /* bp: the chain of frame pointers ends here */
        ret
        .cfi_endproc
        .size   bide__context_make, . - bide__context_make

        /*
         * First instructions of a new context.  rip is declared undefined, which tells every unwinder that the
         * trace ends here.  Unwinders look a return address up at address - 1: for a context that has not run yet
         * that is the nop, inside this function.
         */
        .globl  bide__fiber_entry
        .hidden bide__fiber_entry
        .type   bide__fiber_entry, @function
        .p2align 4
        .cfi_startproc
        .cfi_undefined rip
bide__fiber_entry:
        nop
.Lfirst:
        mov     %rdx, %rdi              /* the arg of the first switch */
        call    *0(%rsp)
        ud2                             /* entry must not return */
        .cfi_endproc
        .size   bide__fiber_entry, . - bide__fiber_entry

        .globl  bide__call_words
        .hidden bide__call_words
        .type   bide__call_words, @function
        .p2align 4
bide__call_words:                       /* (void (*fn)(void), unsigned argc, const uintptr_t *argv) */
        .cfi_startproc
        mov     %rdi, %rax
        mov     %rdx, %r11
        cmp     $3, %esi
        je      3f
        ja      .Lmore_than_three
        cmp     $1, %esi
        ja      2f
        je      1f
        jmp     *%rax
.Lmore_than_three:
        cmp     $5, %esi
        je      5f
        jb      4f
        mov     40(%r11), %r9
5:      mov     32(%r11), %r8
4:      mov     24(%r11), %rcx
3:      mov     16(%r11), %rdx
2:      mov     8(%r11), %rsi
1:      mov     0(%r11), %rdi
        jmp     *%rax                   /* its int is our int */
        .cfi_endproc
        .size   bide__call_words, . - bide__call_words

        .section .note.GNU-stack, "", @progbits

        /* IBT is supported; SHSTK is not, so its bit stays off and the loader keeps shadow stacks off. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 1, 0
