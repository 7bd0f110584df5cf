# SPDX-License-Identifier: GPL-2.0-only
# Tells the program `flowchain` what it was made of. To be included after the target exists.
set(FLOWCHAIN_BUILD_INFO_DIR ${CMAKE_BINARY_DIR}/build-info)
add_custom_target(flowchain-build-info
  COMMAND ${CMAKE_COMMAND}
          -DHEADER=${FLOWCHAIN_BUILD_INFO_DIR}/build-info-generated.h
          -DSOURCE_DIR=${PROJECT_SOURCE_DIR}
          -DVERSION=${PROJECT_VERSION}
          "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          -DBUILD_TYPE=$<CONFIG>
          -DNS3_VERSION=${ns3_VERSION}
          -P ${CMAKE_CURRENT_LIST_DIR}/write-build-info.cmake
  BYPRODUCTS ${FLOWCHAIN_BUILD_INFO_DIR}/build-info-generated.h
  COMMENT "Noting the commit"
  VERBATIM)
add_dependencies(flowchain flowchain-build-info)
target_include_directories(flowchain PRIVATE ${FLOWCHAIN_BUILD_INFO_DIR})
