#!/bin/sh
# SPDX-License-Identifier: MIT
# heap.sh LIBRARY.a - the library takes memory from bide__malloc and its kin, and from no function of the C library but where the
# list says why: a call that is not on it fails, and so does a line that is no longer needed.
set -eu
export LC_ALL=C
library=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sed 's/ *#.*//' >"$tmp/allowed" <<'END'
base_heap_alloc.c.o calloc            # the heap itself
base_heap_alloc.c.o free
base_heap_alloc.c.o malloc
base_heap_alloc.c.o realloc
base_ledger_ledger.c.o calloc    # BIDE_DEBUG=1: what it remembers is no memory of the program's
base_ledger_ledger.c.o free
dwarf_symbol.c.o free             # of what dwarf_getscopes gave
http_client_resume.c.o free       # of what bide_file_read_all gave
http_store_store.c.o free         # of what bide_file_read_all gave
io_file_file_atomic.c.o free     # of realpath
io_file_file_atomic.c.o realpath
io_file_file_whole.c.o free      # of realpath; and of what the caller is to free()
io_file_tree_names.c.o free      # of what the caller of bide_read_link is to free()
END

taking='malloc|calloc|realloc|reallocarray|free|(__)?strn?dup|(__)?v?asprintf(_chk)?|getline|(__)?getdelim|open_memstream|posix_memalign'
taking="$taking|aligned_alloc|memalign|pvalloc|valloc|(__)?realpath(_chk)?|getcwd|get_current_dir_name|scandir|getaddrinfo|tempnam|wcsdup"
nm -A --undefined-only "$library" >"$tmp/undefined"
sed -n 's/^[^:]*:\([^:]*\): *U \(.*\)$/\1 \2/p' "$tmp/undefined" | grep -E " ($taking)(@.*)?\$" | sort >"$tmp/found" || true

[ "$(sort -u "$tmp/undefined" | wc -l)" -gt 500 ] || { echo "nm tells nothing of $library"; exit 1; }
if ! diff "$tmp/allowed" "$tmp/found" >"$tmp/diff"; then
    echo "calls of the C library's heap (>: new, to be bide__malloc and its kin; <: no longer there, shrink the list in $0):"
    grep '^[<>]' "$tmp/diff"
    exit 1
fi
echo "the C library's heap is called in $(cut -d' ' -f1 "$tmp/found" | sort -u | wc -l) files, as listed"
