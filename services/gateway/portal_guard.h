/* Against programs that fill in forms, without asking a third party and without asking people for anything: a field
   that people do not see, and a puzzle that a browser with JavaScript solves by itself, while the form is filled in. */
#ifndef HEARBACK_GATEWAY_PORTAL_GUARD_H
#define HEARBACK_GATEWAY_PORTAL_GUARD_H

#include "portal_visit.h"

#define GUARD_WORK_BITS 14u /* 16,384 hashes on average: under a second, some seconds on an old phone */

/* The trap and the puzzle, into a form that bears a `token`. The page must have `script` set before it begins. */
void page_guard(struct page *page);

/* Is this an n for which SHA-256("TOKEN:n") begins with so many zero bits? */
bool guard_solves(const char *token, const char *work, unsigned bits);

/* How often the sender of this form may: more often when the puzzle was solved. `fresh`: the token is ours. */
struct limit *guard_limit(struct visit *visit, bool fresh);
/* Was it a program? Then it is held back: the form comes back to who sent it, with the trap empty again. */
bool guard_holds(struct visit *visit, bool fresh);

#endif
