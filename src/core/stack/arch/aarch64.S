/* SPDX-License-Identifier: MIT */
/*
 * aarch64.S - the stack switch for AAPCS64 (see core/stack/arch.h).
 *
 * A suspended context, from its saved stack pointer up:
 *
 *      0   x19 ... x28      ten words
 *     80   x29  x30         frame pointer, return address
 *     96   d8 ... d15       eight words (the low halves are callee-saved)
 *
 * FPCR is left alone.  The way out is `ret`, although the return predictor is wrong about it: under BTI a `br` may only
 * land on a `bti` instruction, and a return address is none.  Return addresses are not signed here.
 *
 * Both stacks have the same shape at the instruction that swaps them, so one set of unwind rules is right everywhere.
 */

#define FRAME 160

        .text

        .globl  bide__switch
        .hidden bide__switch
        .type   bide__switch, %function
        .p2align 5
bide__switch:                           /* (struct context *from, const struct context *to, void *arg) */
        .cfi_startproc
        hint    #34                     /* bti c */
        sub     sp, sp, #FRAME
        .cfi_adjust_cfa_offset FRAME
        stp     x19, x20, [sp, #0]
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        stp     x21, x22, [sp, #16]
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        stp     x23, x24, [sp, #32]
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        stp     x25, x26, [sp, #48]
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        stp     x27, x28, [sp, #64]
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        stp     x29, x30, [sp, #80]
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp     d8, d9, [sp, #96]
        .cfi_rel_offset d8, 96
        .cfi_rel_offset d9, 104
        stp     d10, d11, [sp, #112]
        .cfi_rel_offset d10, 112
        .cfi_rel_offset d11, 120
        stp     d12, d13, [sp, #128]
        .cfi_rel_offset d12, 128
        .cfi_rel_offset d13, 136
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset d14, 144
        .cfi_rel_offset d15, 152
        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9                  /* from here on we are the other context */

        .globl  bide__switch_resume     /* where a debugger says a suspended context is */
        .hidden bide__switch_resume
        .type   bide__switch_resume, %notype
bide__switch_resume:
        ldp     x29, x30, [sp, #80]
        .cfi_restore x29
        .cfi_restore x30
        ldp     x19, x20, [sp, #0]
        .cfi_restore x19
        .cfi_restore x20
        ldp     x21, x22, [sp, #16]
        .cfi_restore x21
        .cfi_restore x22
        ldp     x23, x24, [sp, #32]
        .cfi_restore x23
        .cfi_restore x24
        ldp     x25, x26, [sp, #48]
        .cfi_restore x25
        .cfi_restore x26
        ldp     x27, x28, [sp, #64]
        .cfi_restore x27
        .cfi_restore x28
        ldp     d8, d9, [sp, #96]
        .cfi_restore d8
        .cfi_restore d9
        ldp     d10, d11, [sp, #112]
        .cfi_restore d10
        .cfi_restore d11
        ldp     d12, d13, [sp, #128]
        .cfi_restore d12
        .cfi_restore d13
        ldp     d14, d15, [sp, #144]
        .cfi_restore d14
        .cfi_restore d15
        add     sp, sp, #FRAME
        .cfi_adjust_cfa_offset -FRAME
        mov     x0, x2
        ret
        .cfi_endproc
        .size   bide__switch, . - bide__switch

        .globl  bide__context_make
        .hidden bide__context_make
        .type   bide__context_make, %function
        .p2align 4
bide__context_make:                     /* (struct context *c, void *stack_top, void (*entry)(void *)) */
        .cfi_startproc
        hint    #34
        and     x1, x1, #-16
        sub     x1, x1, #FRAME
        str     x1, [x0]
        adr     x9, .Lfirst
        stp     x2, xzr, [x1, #0]       /* x19: the entry function */
        stp     xzr, xzr, [x1, #16]
        stp     xzr, xzr, [x1, #32]
        stp     xzr, xzr, [x1, #48]
        stp     xzr, xzr, [x1, #64]
        stp     xzr, x9, [x1, #80]      /* x29 = 0 ends the chain of frame pointers */
        stp     xzr, xzr, [x1, #96]
        stp     xzr, xzr, [x1, #112]
        stp     xzr, xzr, [x1, #128]
        stp     xzr, xzr, [x1, #144]
        ret
        .cfi_endproc
        .size   bide__context_make, . - bide__context_make

        /*
         * First instructions of a new context.  x30 is declared undefined, which tells unwinders that the trace ends here.
         * They look a return address up at address - 1: for a context that has not run yet that is the nop, inside this
         * function.
         */
        .globl  bide__fiber_entry
        .hidden bide__fiber_entry
        .type   bide__fiber_entry, %function
        .p2align 4
        .cfi_startproc
        .cfi_undefined x30
bide__fiber_entry:
        nop
.Lfirst:
        blr     x19                     /* x0 is the arg of the first switch already */
        brk     #0                      /* entry must not return */
        .cfi_endproc
        .size   bide__fiber_entry, . - bide__fiber_entry

        .globl  bide__call_words
        .hidden bide__call_words
        .type   bide__call_words, %function
        .p2align 4
bide__call_words:                       /* (void (*fn)(void), unsigned argc, const uintptr_t *argv) */
        .cfi_startproc
        hint    #34
        mov     x16, x0                 /* x16: the register a `bti c` accepts a `br` from */
        mov     x9, x2
        cmp     w1, #3
        b.eq    3f
        b.hi    .Lmore_than_three
        cmp     w1, #1
        b.hi    2f
        b.eq    1f
        br      x16
.Lmore_than_three:
        cmp     w1, #5
        b.eq    5f
        b.lo    4f
        ldr     x5, [x9, #40]
5:      ldr     x4, [x9, #32]
4:      ldr     x3, [x9, #24]
3:      ldr     x2, [x9, #16]
2:      ldr     x1, [x9, #8]
1:      ldr     x0, [x9, #0]
        br      x16                     /* its int is our int */
        .cfi_endproc
        .size   bide__call_words, . - bide__call_words

        .section .note.GNU-stack, "", %progbits

        /* BTI is supported. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000000, 4, 1, 0
