/* Branches of the script: where it stands still between two commands it forks, and the child goes on as the script
   would have gone on, in a copy of all its files. So the n-th call is that of the whole script, and what comes before
   it is done once for all n. nth.py says which, and looks at what is left.

   At a branch the script says `at` with the calls so far (writes, syncs, allocations, opens, sends), as shim.so counts
   them, which is preloaded, and does what it is told by lines on the standard input:

   `count`: a child goes on as far as the next branch, or to the end, and leaves its counts. `ended CODE` is answered.

   `fail KIND N ERRNO`: a child goes on and this call fails. It goes on to its end, or for 20 branches, and then ends as
   the script does. `ended CODE`; negative: the signal.

   `each`, lines `KIND N ERRNO`, `go`: as `count`, but at each of these calls the child itself forks: there the call
   fails, and who goes on so may read, and is ended (-31) before it changes a file: then it is a case for `fail`.
   `failed KIND N CODE POISONS` and the counts is answered each time; POISONS differs where the files of that name do.
   Then the files of the copy stand still until `on`.

   `on`: the script goes on to the next branch.

   KIND and ERRNO are numbers. The copy is made in `../at`; what a child says on the standard error is in
   `../told/said`, that its call failed is told by `../told/fired`, and the counts are in `../told/counts`. Whoever
   reads the answer removes what is there. */
#ifndef HEARBACK_TESTS_CHAOS_BRANCH_H
#define HEARBACK_TESTS_CHAOS_BRANCH_H

#include <stdbool.h>

/* From here on there are branches. The script keeps all its files under its working folder, and names them from there.
 */
void branches_begin(void);

/* Here is one: all has come to rest. Nothing, unless branches were begun. True: it was far enough, for a child whose
   call has failed without harm. */
bool branch(void);

#endif
