/* Conditions over facts that may be missing are three-valued (policy-language.md 5, "Missing facts"). */
#ifndef HEARBACK_BASE_TRUTH_H
#define HEARBACK_BASE_TRUTH_H

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

#endif
