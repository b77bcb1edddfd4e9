/* SPDX-License-Identifier: MIT */
/*
 * hardening.h - exceptions from the checks that the build asks the compiler for (meson.build), for hot paths alone.
 *
 * The percentages are instructions, counted by callgrind with bench-switch, bench-spawn and bench-http_get.
 */
#ifndef BIDE_BASE_HARDENING_H
#define BIDE_BASE_HARDENING_H

/*
 * Of a private function that is called on every spawn or request, and never through a pointer: no indirect branch may land
 * on it, so it carries no mark for one (1 % of a request, 4 % of a spawn).  The compiler refuses to take its address.
 */
#if defined(__CET__) && (__CET__ & 1)
#define never_indirect __attribute__((nocf_check))
#else
#define never_indirect
#endif

/*
 * Of a function on the same paths without an array in its frame: the stack protector would check it because the address of
 * a single variable is handed on, over whose end nothing runs (4 % of a switch, 1 % of a request).
 */
#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#define unchecked_frame __attribute__((no_stack_protector))
#endif
#endif
#ifndef unchecked_frame
#define unchecked_frame
#endif

#endif
