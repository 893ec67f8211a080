# SPDX-License-Identifier: Apache-2.0 OR MIT
# Installation: libraries, headers, command, whist.pc, find_package(whist), documentation.
include(CMakePackageConfigHelpers)

set(cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/whist")

set_target_properties(whist_shared PROPERTIES EXPORT_NAME whist)
install(TARGETS whist_cli)
install(TARGETS whist_shared EXPORT whist_shared)
install(TARGETS whist_static EXPORT whist_static)
install(DIRECTORY include/whist TYPE INCLUDE FILES_MATCHING PATTERN "*.h")

# find_package(whist): whist::whist is the shared library, whist::whist_static the other.
install(EXPORT whist_shared NAMESPACE whist:: DESTINATION "${cmake_dir}" FILE whist-shared.cmake)
install(EXPORT whist_static NAMESPACE whist:: DESTINATION "${cmake_dir}" FILE whist-static.cmake)
configure_package_config_file(cmake/whist-config.cmake.in
  "${PROJECT_BINARY_DIR}/install/whist-config.cmake" INSTALL_DESTINATION "${cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/install/whist-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/install/whist-config.cmake"
  "${PROJECT_BINARY_DIR}/install/whist-config-version.cmake" DESTINATION "${cmake_dir}")

# whist.pc finds its prefix from where it lies, so a moved or staged tree works.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH pc_to_prefix "${CMAKE_INSTALL_PREFIX}/${pc_dir}" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/whist.pc.in "${PROJECT_BINARY_DIR}/install/whist.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/install/whist.pc" DESTINATION "${pc_dir}")

# Pages and completion of the command.
foreach(page
    whist whist-keygen whist-party whist-session whist-run whist-local whist-channel whist-ping
    whist-check whist-fmt whist-eval whist-cost whist-build whist-explain whist-circuit whist-bench)
  if(EXISTS "${PROJECT_SOURCE_DIR}/man/${page}.1")
    install(FILES "man/${page}.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  endif()
endforeach()
if(EXISTS "${PROJECT_SOURCE_DIR}/completions/whist")
  install(FILES completions/whist DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
endif()
install(FILES LICENSE-APACHE LICENSE-MIT CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
foreach(file README.md SECURITY.md docs/session.md docs/card.schema.json docs/session.schema.json)
  if(EXISTS "${PROJECT_SOURCE_DIR}/${file}")
    install(FILES "${file}" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
  endif()
endforeach()
