# BUILD_S: when what is built here was made, in seconds since 1970. A machine whose clock is before it cannot be right
# (design.md 4). SOURCE_DATE_EPOCH as given, so that builds can be repeated bit by bit; else the date of the commit; without
# one, now. Never later than the clock of the machine that builds: that would call every start on it suspect.
string(TIMESTAMP now_s "%s" UTC) # of SOURCE_DATE_EPOCH itself where that is set
set(BUILD_S ${now_s})
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND git log -1 --format=%ct WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR} OUTPUT_VARIABLE commit_s
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(commit_s MATCHES "^[0-9]+$" AND commit_s LESS now_s)
    set(BUILD_S ${commit_s})
  endif()
endif()
