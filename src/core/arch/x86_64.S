/* SPDX-License-Identifier: MIT */
/*
 * x86_64.S - the stack switch for the System V ABI (see core/arch.h).
 *
 * A suspended context, from its saved stack pointer up:
 *
 *      0   r15  r14  r13  r12  rbx  rbp      six words
 *     48   return address                    where bide__switch was called from
 *
 * Three choices are measured ones.  Registers come back by `mov` from the new stack, not by `pop`, so that the hardware
 * prefetcher sees a stride when many stacks are visited in order.  The way out is `pop; jmp`, not `ret`: the return
 * address belongs to another call chain, so the return predictor would be wrong every time.  mxcsr and the x87
 * control word are left alone.
 *
 * Both stacks have the same shape at the instruction that swaps them, so one set of unwind rules is right at every
 * instruction; debuggers and profilers may stop anywhere.
 */

        .text

        .globl  bide__switch
        .hidden bide__switch
        .type   bide__switch, @function
        .p2align 5
bide__switch:                           /* (void **save_sp, void *to_sp, void *arg) */
        .cfi_startproc
        endbr64
        sub     $48, %rsp
        .cfi_adjust_cfa_offset 48
        mov     %rbp, 40(%rsp)
        .cfi_rel_offset rbp, 40
        mov     %rbx, 32(%rsp)
        .cfi_rel_offset rbx, 32
        mov     %r12, 24(%rsp)
        .cfi_rel_offset r12, 24
        mov     %r13, 16(%rsp)
        .cfi_rel_offset r13, 16
        mov     %r14, 8(%rsp)
        .cfi_rel_offset r14, 8
        mov     %r15, 0(%rsp)
        .cfi_rel_offset r15, 0
        mov     %rsp, (%rdi)
        mov     %rsi, %rsp              /* from here on we are the other context */

        .globl  bide__switch_resume     /* where a debugger says a suspended context is */
        .hidden bide__switch_resume
        .type   bide__switch_resume, @notype
bide__switch_resume:
        mov     40(%rsi), %rbp
        mov     32(%rsi), %rbx
        mov     24(%rsi), %r12
        mov     16(%rsi), %r13
        mov     8(%rsi), %r14
        mov     0(%rsi), %r15
        add     $48, %rsp
        .cfi_adjust_cfa_offset -48
        .cfi_restore rbp
        .cfi_restore rbx
        .cfi_restore r12
        .cfi_restore r13
        .cfi_restore r14
        .cfi_restore r15
        mov     %rdx, %rax
        pop     %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        notrack jmp *%rcx               /* a return address has no endbr64 */
        .cfi_endproc
        .size   bide__switch, . - bide__switch

        .globl  bide__context_make
        .hidden bide__context_make
        .type   bide__context_make, @function
        .p2align 4
bide__context_make:                     /* (void *stack_top, void (*entry)(void *)) */
        .cfi_startproc
        endbr64
        mov     %rdi, %rax
        and     $-16, %rax
        sub     $64, %rax               /* rsp is top - 8 after the pop: see the entry below */
        lea     .Lfirst(%rip), %rcx
        mov     %rcx, 48(%rax)
        movq    $0, 56(%rax)            /* what a frame-pointer walk takes for the last return address */
        movq    $0, 40(%rax)            /* rbp: its chain ends here */
        movq    $0, 32(%rax)
        mov     %rsi, 24(%rax)          /* r12: the entry function */
        movq    $0, 16(%rax)
        movq    $0, 8(%rax)
        movq    $0, 0(%rax)
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
        sub     $8, %rsp                /* 16-byte alignment at the call */
        .cfi_adjust_cfa_offset 8
        mov     %rax, %rdi
        call    *%r12
        ud2                             /* entry must not return */
        .cfi_endproc
        .size   bide__fiber_entry, . - bide__fiber_entry

        .globl  bide__call_words
        .hidden bide__call_words
        .type   bide__call_words, @function
        .p2align 4
bide__call_words:                       /* (void (*fn)(void), unsigned argc, const uintptr_t *argv) */
        .cfi_startproc
        endbr64
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
