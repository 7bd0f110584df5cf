# SPDX-License-Identifier: GPL-2.0-only
# Run at every build: writes HEADER, but leaves it alone if nothing has changed.
set(commit unknown)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --show-toplevel
                  OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_QUIET RESULT_VARIABLE failed)
  # A source tree unpacked inside some other repository has no commit of its own.
  file(REAL_PATH ${SOURCE_DIR} real_source) # as git prints it, symbolic links followed
  if(NOT failed AND top STREQUAL real_source)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} describe --always --dirty --abbrev=12
                    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE
                    ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      set(commit ${described})
    endif()
  endif()
endif()

set(text "#define FLOWCHAIN_VERSION \"${VERSION}\"
#define FLOWCHAIN_COMPILER \"${COMPILER}\"
#define FLOWCHAIN_BUILD_TYPE \"${BUILD_TYPE}\"
#define FLOWCHAIN_COMMIT \"${commit}\"
#define FLOWCHAIN_NS3_VERSION \"${NS3_VERSION}\"
")
file(CONFIGURE OUTPUT ${HEADER} CONTENT "${text}" @ONLY)
