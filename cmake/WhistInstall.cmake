# SPDX-License-Identifier: Apache-2.0 OR MIT
# Installation: library, headers, command.
install(TARGETS whist_shared whist_static whist_cli)
install(DIRECTORY include/whist DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
