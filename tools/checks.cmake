# Tests that are scripts: the rules of the source tree, and golden outputs.
if(NOT WBSIM_BUILD_TESTS)
  return()
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME tidy COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/tidy)
add_test(NAME tidy_self_test
         COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/tidy --self-test)
set_tests_properties(tidy tidy_self_test PROPERTIES LABELS tidy)

if(TARGET wbsim)
  add_test(NAME truth.bounds
           COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/bless-truth --check
                   --wbsim $<TARGET_FILE:wbsim>)
  set_tests_properties(truth.bounds PROPERTIES LABELS truth)
  file(GLOB golden_outputs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/results/golden/*/summary.json)
  foreach(golden IN LISTS golden_outputs)
    cmake_path(GET golden PARENT_PATH folder)
    cmake_path(GET folder FILENAME experiment)
    add_test(NAME golden.${experiment}
             COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/bless --check
                     --wbsim $<TARGET_FILE:wbsim> ${experiment})
    set_tests_properties(golden.${experiment} PROPERTIES LABELS golden)
  endforeach()
endif()
