#!/bin/sh
# Usage: abidw_newer.sh ARGUMENT...
# The program ABIDW as its versions from 2.4 on are: describes functions that the library needs, besides.
set -eu
"$ABIDW" "$@" | sed \
    -e "s|</elf-function-symbols>|&<undefined-elf-function-symbols><elf-symbol name='snprintf'/></undefined-elf-function-symbols>|" \
    -e "s|</abi-instr>|<function-decl name='snprintf' elf-symbol-id='snprintf'><parameter is-variadic='yes'/></function-decl>&|"
