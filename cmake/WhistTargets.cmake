# SPDX-License-Identifier: Apache-2.0 OR MIT
# Flags of all targets, and whist_sources(), by which each layer names its files.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl>=3.0)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)

# What the library stands on.
set(whist_needs PkgConfig::SODIUM PkgConfig::OPENSSL PkgConfig::JANSSON Threads::Threads)

# Compile and link options of everything that is built here.
add_library(whist_flags INTERFACE)
target_compile_features(whist_flags INTERFACE c_std_11)
target_compile_definitions(whist_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_compile_options(whist_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wformat=2 -fvisibility=hidden
  $<$<BOOL:${WHIST_WERROR}>:-Werror>)

# clang's own default, DWARF 5, is more than the valgrind of Debian 12 reads.
target_compile_options(whist_flags INTERFACE
  $<$<AND:$<C_COMPILER_ID:Clang>,$<CONFIG:Debug,RelWithDebInfo>>:-gdwarf-4>)

# Hardening, in every build but those of the sanitizers, which bring their own.
if(WHIST_SANITIZE)
  target_compile_options(whist_flags INTERFACE -fsanitize=${WHIST_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(whist_flags INTERFACE -fsanitize=${WHIST_SANITIZE})
else()
  target_compile_options(whist_flags INTERFACE -fstack-protector-strong)
  # _FORTIFY_SOURCE needs an optimiser.
  target_compile_options(whist_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=3>)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_compile_options(whist_flags INTERFACE -fstack-clash-protection)
    target_link_options(whist_flags INTERFACE
      -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--as-needed)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      target_compile_options(whist_flags INTERFACE -fcf-protection)
    endif()
  endif()
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# whist_sources(FILE...): adds files of the current folder to the library.
function(whist_sources)
  foreach(file IN LISTS ARGN)
    set_property(GLOBAL APPEND PROPERTY WHIST_SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  endforeach()
endfunction()

# whist_kernel_source(FILE FLAG...): a kernel file with instruction-set flags of its own.
function(whist_kernel_source file)
  whist_sources("${file}")
  set_property(GLOBAL APPEND PROPERTY WHIST_KERNEL_FILES "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  set_property(GLOBAL PROPERTY "WHIST_KERNEL_FLAGS_${file}" "${ARGN}")
endfunction()

# whist_define_objects(NAME): all sources, compiled once for the libraries made of them.
function(whist_define_objects name)
  get_property(sources GLOBAL PROPERTY WHIST_SOURCES)
  add_library(${name} OBJECT ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC whist_flags ${whist_needs})
  target_compile_definitions(${name} PRIVATE WHIST_VERSION="${PROJECT_VERSION}")
endfunction()

# whist_define_library(NAME TYPE OBJECTS): a library for users, of the objects' files.
function(whist_define_library name type objects)
  add_library(${name} ${type} $<TARGET_OBJECTS:${objects}>)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME whist)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${name} PRIVATE
    $<BUILD_INTERFACE:whist_flags> ${whist_needs})
endfunction()
