// SPDX-License-Identifier: GPL-2.0
//
// poll: let a caller say that it will report what it finds
//
// POLL_CLAIM itself, and what it means, is in include/linux/poll_claim.h. Here
// it is made known to all that poll, and kept out of what those callers ask for
// that name no events: they want all there are, but they do not claim.

// expect: include_poll_claim include/linux/poll.h - 1
@include_poll_claim@
position p;
@@
#include <linux/fs.h>@p
+#include <linux/poll_claim.h>

// expect: no_claim_without_table include/linux/poll.h poll_requested_events 1
@no_claim_without_table@
typedef __poll_t;
expression key, table;
position p;
@@
return table ? key :@p
- ~(__poll_t)0
+ ~POLL_CLAIM
;

// expect: no_claim_by_default include/linux/poll.h init_poll_funcptr 1
@no_claim_by_default@
expression table;
position p;
@@
table->_key =@p
- ~(__poll_t)0
+ ~POLL_CLAIM
;
