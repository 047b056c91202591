# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Debian packages by CPack, one for each component: gen5fs, libgen5-N and libgen5-dev. scripts/package
# makes them, with the preset "package".

set(GEN5_PACKAGE_CONTACT "The gen5fs authors <gen5fs@localhost.localdomain>" CACHE STRING
    "Whom the packages name as their maintainer")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gen5fs)
set(CPACK_PACKAGE_CONTACT "${GEN5_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ".gen5 image containers as ordinary files")
set(CPACK_COMPONENTS_ALL command library development)
set(CPACK_STRIP_FILES ON)
# Texts that name installed files name them as they are at last.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/src/package/debian_tree.cmake")

set(gen5_library_package "libgen5-${PROJECT_VERSION_MAJOR}")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(gen5_purpose
"A .gen5 file keeps an AI-generated image together with the latent tensors
it came from, the metadata of its generation and a fingerprint of the
environment.
")

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME gen5fs)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "${gen5_library_package} (= ${PROJECT_VERSION}), fuse3")
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS xdg-utils)
set(CPACK_DEBIAN_COMMAND_DESCRIPTION "${gen5_purpose}
This package has the command, which mounts folders of such files as
directories of ordinary files, and shows, checks, compares, packs and
unpacks them without a mount.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME "${gen5_library_package}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/package/triggers")
file(WRITE "${PROJECT_BINARY_DIR}/package/triggers" "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "${gen5_purpose}
This package has the shared library that reads and writes such files.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libgen5-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${gen5_library_package} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "${gen5_purpose}
This package has what programs that use the library are compiled with.")

# What Debian wants in each package.
file(READ LICENSE licence)
string(REGEX REPLACE "^.*authors\n\n" "" licence "${licence}")
string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
string(STRIP "${licence}" licence)
string(REGEX REPLACE "\n" "\n " licence "${licence}")
# Of the library alone: CPack writes scripts that run ldconfig, though there is a trigger.
set(gen5_library_overrides "maintscript-calls-ldconfig *")
foreach(pair "command gen5fs" "library ${gen5_library_package}" "development libgen5-dev")
    separate_arguments(pair)
    list(POP_FRONT pair component package)
    set(component_overrides "${gen5_${component}_overrides}")
    configure_file(src/package/changelog.in package/${package}/changelog @ONLY)
    configure_file(src/package/copyright.in package/${package}/copyright @ONLY)
    configure_file(src/package/lintian-overrides.in package/${package}/overrides @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/package/${package}/overrides" RENAME ${package}
            DESTINATION "${CMAKE_INSTALL_DATADIR}/lintian/overrides" COMPONENT ${component})
    install(FILES "${PROJECT_BINARY_DIR}/package/${package}/changelog"
                  "${PROJECT_BINARY_DIR}/package/${package}/copyright"
            DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}" COMPONENT ${component})
endforeach()

include(CPack)
