// SPDX-License-Identifier: GPL-2.0
//
// QEMU's IOThreads: their wake-up and the kicks of virtio-blk's queues, reset by the poll that reports them
//
// An IOThread alone polls these. The main context's are polled by whoever holds its lock beside the main thread, and
// GLib, which runs it, drops what poll said where its sources have changed: those stay as they are, and so do all other
// notifiers.

// expect: plain_at_first util/event_notifier-posix.c event_notifier_init 1
@plain_at_first@
symbol e, initialized;
position p;
@@
event_notifier_init(...)
{
<...
+ e->autoreset = false;
e->initialized =@p true;
...>
}

// expect: plain_by_itself util/event_notifier-posix.c event_notifier_init_fd 1
@plain_by_itself@
symbol e, initialized;
position p;
@@
event_notifier_init_fd(...)
{
<...
+ e->autoreset = false;
e->initialized =@p true;
...>
}

// expect: of_context util/async.c aio_context_new 1
@of_context@
symbol ctx, ret;
position p;
@@
- ret =@p event_notifier_init(&ctx->notifier, false);
+ ret = aio_context_notifier_init(ctx);

// expect: of_context_reported util/async.c aio_context_notifier_cb 1
@of_context_reported@
symbol ctx;
position p;
@@
aio_context_notifier_cb(...)
{
<...
- event_notifier_test_and_clear@p(&ctx->notifier);
+ event_notifier_accept(&ctx->notifier);
...>
}

// expect: of_queue hw/virtio/virtio-bus.c virtio_bus_set_host_notifier 1
@of_queue@
symbol r, notifier, vq;
position p;
@@
- r =@p event_notifier_init(notifier, 1);
+ r = virtio_queue_init_host_notifier(vq);

// expect: of_iothread hw/block/virtio-blk.c virtio_blk_start_ioeventfd 1
@of_iothread@
symbol r, qbus, i, s, vdev;
position p;
@@
+ virtio_queue_set_autoreset(virtio_get_queue(vdev, i),
+			     s->vq_aio_context[i] != qemu_get_aio_context());
r =@p virtio_bus_set_host_notifier(VIRTIO_BUS(qbus), i, true);

// expect: of_queue_reported hw/virtio/virtio.c virtio_queue_aio_attach_host_notifier 1
@of_queue_reported@
symbol ctx, vq, virtio_queue_host_notifier_read;
position p;
@@
virtio_queue_aio_attach_host_notifier(...)
{
<...
aio_set_event_notifier@p(ctx, &vq->host_notifier,
- virtio_queue_host_notifier_read,
+ virtio_queue_host_notifier_reported,
  ...);
...>
}

// expect: of_another_handler util/fdmon-io_uring.c process_cqe 1
@of_another_handler@
symbol ctx, node, node_deleted, cqe, ready_list, flags;
position p;
@@
process_cqe(...)
{
<...
if (flags & FDMON_IO_URING_REMOVE) {
	QLIST_INSERT_HEAD_RCU@p(&ctx->deleted_aio_handlers, node, node_deleted);
-	return false;
+	return cqe->res > 0 && aio_add_successor(ctx, ready_list, node, pfd_events_from_poll(cqe->res));
}
...>
}
