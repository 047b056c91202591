# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Run by CPack on what is about to be packed: Debian wants manual pages and changelogs compressed, always
# to the same bytes.
file(GLOB texts "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/man?/*"
                "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/changelog")
foreach(text IN LISTS texts)
    execute_process(COMMAND gzip -9nf "${text}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
