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

#define GUARD_FAST_MS 2000
#define GUARD_LINKS_MAX 3u

/* clang-format off */
/* The signs by which a submission, the command `id`, looks like a program's: it is held then (services/intake/held.c).

     trap      a field that people do not see was filled in. Browsers fill in fields, too: not where the puzzle is solved
     fast      sent within two seconds after its form was given out: nobody reads and writes so quickly; likewise
     proof     a solution of the puzzle that is none: no browser of ours sends one. None at all is no sign: there are
               browsers without JavaScript, and slow ones
     many      more of one address than a house sends: a third of what is refused (429)
     same      the same words from one address more than twice at once, then more than once in 12 h
     links     more than three addresses of the web in what happened

   Counts the submission for the next one. The signs, and the word for its origin, go with the request's actor. */
/* clang-format on */
void guard_look(struct visit *visit, const char *id);

/* How often the sender of this form may: more often when the puzzle was solved. `fresh`: the token is ours. */
struct limit *guard_limit(struct visit *visit, bool fresh);
/* Was it a program? Then it is held back: the form comes back to who sent it, with the trap empty again. */
bool guard_holds(struct visit *visit, bool fresh);

#endif
