// SPDX-License-Identifier: GPL-2.0
//
// GLib's main context: a wake-up that the poll resets
//
// Its thread alone polls it, and does all that it has to do after each poll, whatever that said: nothing depends on a
// report. A GCancellable's may be polled by many, and stays as it is.

// expect: nothing_to_read glib/gwakeup.c g_wakeup_acknowledge 1
@nothing_to_read@
symbol wakeup, buffer;
position p;
@@
g_wakeup_acknowledge(...)
{
...
+ if (wakeup->autoreset) return;
while (read@p(wakeup->fds[0], buffer, sizeof buffer) == sizeof buffer);
}

// expect: of_main_context glib/gmain.c g_main_context_new|g_main_context_new_with_flags 1
@of_main_context@
symbol context;
position p;
@@
- context->wakeup =@p g_wakeup_new();
+ context->wakeup = g_wakeup_new_autoreset();
