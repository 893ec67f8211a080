# SPDX-License-Identifier: Apache-2.0 OR MIT
# whist_test(NAME SOURCES file... [LABELS label...] [TIMEOUT seconds] [DEFINES def...])
# A program of test cases (tests/support/harness.h); every case becomes a ctest entry NAME.CASE.
function(whist_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LABELS;DEFINES" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(WHIST_SANITIZE)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 5")
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE whist_hooks whist_flags Threads::Threads)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(test_${name} PRIVATE
    WHIST_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    WHIST_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared"
    WHIST_COMMAND="$<TARGET_FILE:whist_cli>" ${arg_DEFINES})
  set(list "${CMAKE_CURRENT_BINARY_DIR}/${name}_cases.cmake")
  add_custom_command(TARGET test_${name} POST_BUILD
    COMMAND ${CMAKE_COMMAND} "-DPROGRAM=$<TARGET_FILE:test_${name}>" "-DNAME=${name}"
      "-DOUT=${list}" "-DTIMEOUT=${arg_TIMEOUT}" "-DLABELS=${arg_LABELS}"
      -P "${PROJECT_SOURCE_DIR}/cmake/WhistTestList.cmake"
    BYPRODUCTS "${list}" VERBATIM)
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${name}_include.cmake"
    "if(EXISTS \"${list}\")\n  include(\"${list}\")\nelse()\n  add_test(${name}_NOT_BUILT ${name}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES
    "${CMAKE_CURRENT_BINARY_DIR}/${name}_include.cmake")
endfunction()
