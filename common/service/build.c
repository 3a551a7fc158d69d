#include "service/instance.h"

const int64_t instance_build_ms = BUILD_S * 1000ll; /* common/build.cmake says which */
