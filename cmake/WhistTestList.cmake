# SPDX-License-Identifier: Apache-2.0 OR MIT
# Writes the ctest entries of one test program (run after it is linked). ctest evaluates them, so a
# soak run (WHIST_TEST_SOAK, tests/support/harness.h) also stretches the timeouts.
set(ENV{ASAN_OPTIONS} "detect_leaks=0")
execute_process(COMMAND "${PROGRAM}" --list OUTPUT_VARIABLE cases COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" cases "${cases}")
set(text "set(timeout ${TIMEOUT})
if(\"\$ENV{WHIST_TEST_SOAK}\" MATCHES \"^[1-9][0-9]*$\")
  math(EXPR timeout \"${TIMEOUT} * \$ENV{WHIST_TEST_SOAK}\")
endif()
")
foreach(case IN LISTS cases)
  if(case)
    string(APPEND text "add_test([==[${NAME}.${case}]==] [==[${PROGRAM}]==] [==[${case}]==])\n"
      "set_tests_properties([==[${NAME}.${case}]==] PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT \${timeout} LABELS [==[${LABELS}]==])\n")
  endif()
endforeach()
file(WRITE "${OUT}" "${text}")
