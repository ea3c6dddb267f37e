# SPDX-License-Identifier: GPL-2.0
"""A kernel tree of a few lines: what the series changes of it, and what a tree is known by.

The C files have the statements that the rules of series/*.cocci match and the definitions beside which series/*.lines
insert some, and little else; the others have the lines beside which these insert some, whichever they are.
"""
import concurrent.futures
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from unittest import mock

from source import insertion, semantic, states

VERSION = '6.12.117'
KNOWN_BY = {
    'Makefile': 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n',
    'Kbuild': '# what make begins with\n',
    'include/linux/eventfd.h': '''\
#include <linux/wait.h>

#define EFD_FLAGS_SET (EFD_SHARED_FCNTL_FLAGS | EFD_SEMAPHORE)

static inline bool eventfd_signal_allowed(void)
{
	return !current->in_eventfd;
}
''',
    'include/uapi/linux/eventfd.h': '#define EFD_SEMAPHORE (1 << 0)\n',
    'fs/eventfd.c': '''\
#include <linux/uio.h>

struct eventfd_ctx {
	struct kref kref;
	wait_queue_head_t wqh;
	__u64 count;
	unsigned int flags;
	int id;
};

void eventfd_signal_mask(struct eventfd_ctx *ctx, __poll_t mask)
{
	unsigned long flags;

	if (WARN_ON_ONCE(current->in_eventfd))
		return;

	spin_lock_irqsave(&ctx->wqh.lock, flags);
	current->in_eventfd = 1;
	if (ctx->count < ULLONG_MAX)
		ctx->count++;
	if (waitqueue_active(&ctx->wqh))
		wake_up_locked_poll(&ctx->wqh, EPOLLIN | mask);
	current->in_eventfd = 0;
	spin_unlock_irqrestore(&ctx->wqh.lock, flags);
}

static int eventfd_release(struct inode *inode, struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	wake_up_poll(&ctx->wqh, EPOLLHUP);
	return 0;
}

static __poll_t eventfd_poll(struct file *file, poll_table *wait)
{
	struct eventfd_ctx *ctx = file->private_data;
	__poll_t events = 0;
	u64 count;

	poll_wait(file, &ctx->wqh, wait);
	count = READ_ONCE(ctx->count);

	if (count > 0)
		events |= EPOLLIN;
	if (count == ULLONG_MAX)
		events |= EPOLLERR;
	if (ULLONG_MAX - 1 > count)
		events |= EPOLLOUT;

	return events;
}

void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *cnt)
{
	*cnt = ((ctx->flags & EFD_SEMAPHORE) && ctx->count) ? 1 : ctx->count;
	ctx->count -= *cnt;
}

int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, __u64 *cnt)
{
	if (*cnt != 0 && waitqueue_active(&ctx->wqh))
		wake_up_locked_poll(&ctx->wqh, EPOLLOUT);
	return 0;
}

static ssize_t eventfd_read(struct kiocb *iocb, struct iov_iter *to)
{
	eventfd_ctx_do_read(ctx, &ucnt);
	current->in_eventfd = 1;
	if (waitqueue_active(&ctx->wqh))
		wake_up_locked_poll(&ctx->wqh, EPOLLOUT);
	current->in_eventfd = 0;
	return sizeof(ucnt);
}

static ssize_t eventfd_write(struct file *file, const char __user *buf, size_t count, loff_t *ppos)
{
	res = wait_event_interruptible_locked_irq(ctx->wqh, ULLONG_MAX - ctx->count > ucnt);
	if (likely(res > 0)) {
		ctx->count += ucnt;
		current->in_eventfd = 1;
		if (waitqueue_active(&ctx->wqh))
			wake_up_locked_poll(&ctx->wqh, EPOLLIN);
		current->in_eventfd = 0;
	}
	return res;
}

static void eventfd_show_fdinfo(struct seq_file *m, struct file *f)
{
	seq_printf(m, "%llx %d %d", cnt, ctx->id, !!(ctx->flags & EFD_SEMAPHORE));
}

static const struct file_operations eventfd_fops = {
	.release	= eventfd_release,
};

struct file *eventfd_fget(int fd)
{
	if (file->f_op != &eventfd_fops) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

struct eventfd_ctx *eventfd_ctx_fileget(struct file *file)
{
	if (file->f_op != &eventfd_fops)
		return ERR_PTR(-EINVAL);
	return ctx;
}

static int do_eventfd(unsigned int count, int flags)
{
	BUILD_BUG_ON(EFD_SEMAPHORE != (1 << 0));

	if (flags & ~EFD_FLAGS_SET)
		return -EINVAL;

	init_waitqueue_head(&ctx->wqh);
	ctx->flags = flags;
	file = anon_inode_getfile("[eventfd]", &eventfd_fops, ctx, flags);
	return fd;
}

SYSCALL_DEFINE1(eventfd, unsigned int, count)
{
	return do_eventfd(count, 0);
}
''',
}
SOURCES = {
    'include/linux/poll.h': '''\
#include <linux/fs.h>

static inline __poll_t poll_requested_events(const poll_table *p)
{
	return p ? p->_key : ~(__poll_t)0;
}

static inline void init_poll_funcptr(poll_table *pt, poll_queue_proc qproc)
{
	pt->_qproc = qproc;
	pt->_key   = ~(__poll_t)0; /* all events enabled */
}

struct poll_wqueues {
	poll_table pt;
	int triggered;
	int error;
};
''',
    'fs/select.c': '''\
static int poll_schedule_timeout(struct poll_wqueues *pwq, int state, ktime_t *expires)
{
	set_current_state(state);
	if (!pwq->triggered)
		schedule_hrtimeout(expires, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);

	smp_store_mb(pwq->triggered, 0);
	return 0;
}

static void free_poll_entry(struct poll_table_entry *entry)
{
	remove_wait_queue(entry->wait_address, &entry->wait);
	fput(entry->filp);
}

static int pollwake(wait_queue_entry_t *wait, unsigned mode, int sync, void *key)
{
	return __pollwake(wait, mode, sync, key);
}

static void __pollwait(struct file *filp, wait_queue_head_t *wait_address, poll_table *p)
{
	struct poll_wqueues *pwq = container_of(p, struct poll_wqueues, pt);
	struct poll_table_entry *entry = poll_get_entry(pwq);

	entry->key = p->_key;
	init_waitqueue_func_entry(&entry->wait, pollwake);
	entry->wait.private = pwq;
	add_wait_queue(wait_address, &entry->wait);
}

static inline void wait_key_set(poll_table *wait, __poll_t ll_flag)
{
	wait->_key = POLLEX_SET | ll_flag;
}

static inline __poll_t do_pollfd(struct pollfd *pollfd, poll_table *pwait)
{
	__poll_t filter;

	filter = demangle_poll(pollfd->events) | EPOLLERR | EPOLLHUP;
	return vfs_poll(fd_file(f), pwait) & filter;
}
''',
    'fs/eventpoll.c': '''\
static __poll_t ep_item_poll(const struct epitem *epi, poll_table *pt, int depth)
{
	pt->_key = epi->event.events;
	return vfs_poll(epi->ffd.file, pt) & epi->event.events;
}

static int ep_send_events(struct eventpoll *ep)
{
	struct epitem *epi;
	poll_table pt;

	init_poll_funcptr(&pt, NULL);
	list_for_each_entry(epi, &ep->rdllist, rdllink) {
		revents = ep_item_poll(epi, &pt, 1);
		if (!revents)
			continue;
		if (epi->event.events & EPOLLONESHOT)
			epi->event.events &= EP_PRIVATE_BITS;
		else if (!(epi->event.events & EPOLLET)) {
			list_add_tail(&epi->rdllink, &ep->rdllist);
		}
	}
	return 0;
}

int do_epoll_ctl(int op, struct epoll_event *epds)
{
	switch (op) {
	case EPOLL_CTL_ADD:
		epds->events |= EPOLLERR | EPOLLHUP;
		break;
	case EPOLL_CTL_MOD:
		epds->events |= EPOLLERR | EPOLLHUP;
		break;
	}
	return 0;
}
''',
    'io_uring/poll.c': '''\
#define IO_ASYNC_POLL_COMMON	(EPOLLONESHOT | EPOLLPRI)

static int io_poll_check_events(struct io_kiocb *req)
{
	if (!req->cqe.res) {
		struct poll_table_struct pt = { ._key = req->apoll_events };
		req->cqe.res = vfs_poll(req->file, &pt) & req->apoll_events;
	}
	return 0;
}

static int __io_arm_poll_handler(struct io_kiocb *req, struct io_poll *poll, struct io_poll_table *ipt, __poll_t mask)
{
	ipt->pt._key = mask;
	mask = vfs_poll(req->file, &ipt->pt) & poll->events;
	if (!ipt->nr_entries) {
		if (!io_poll_can_finish_inline(req, ipt)) {
			return 0;
		} else if (mask && (poll->events & EPOLLET)) {
			ipt->result_mask = mask;
			return 1;
		}
		return -EINVAL;
	}
	if (mask &&
	   ((poll->events & (EPOLLET|EPOLLONESHOT)) == (EPOLLET|EPOLLONESHOT))) {
		ipt->result_mask = mask;
		return 1;
	}
	return 0;
}

int io_poll_add_prep(struct io_poll *poll, const struct io_uring_sqe *sqe, u32 flags)
{
	poll->events = io_poll_parse_events(sqe, flags);
	return 0;
}
''',
    'fs/aio.c': '''\
static void aio_poll_complete_work(struct work_struct *work)
{
	struct poll_iocb *req = container_of(work, struct poll_iocb, work);
	struct poll_table_struct pt = { ._key = req->events };

	vfs_poll(req->file, &pt);
}

static int aio_poll_wake(struct wait_queue_entry *wait, unsigned mode, int sync, void *key)
{
	unsigned long flags;

	if (mask && !req->work_scheduled &&
	    spin_trylock_irqsave(&iocb->ki_ctx->ctx_lock, flags)) {
		list_del(&iocb->ki_list);
	} else {
		schedule_work(&req->work);
	}
	return 1;
}

static int aio_poll(struct aio_kiocb *aiocb, const struct iocb *iocb)
{
	struct poll_iocb *req = &aiocb->poll;
	struct aio_poll_table apt;
	bool cancel = false;
	__poll_t mask;

	mask = vfs_poll(req->file, &apt.pt) & req->events;
	if (!mask) {
		aiocb->ki_cancel = aio_poll_cancel;
	}
	return apt.error;
}
''',
}


def lined() -> dict[str, str]:
    """The files that get lines: what each of these is put beside, but for what another one brings."""
    found: dict[str, list[str]] = {}
    blocks = [each for each in insertion.insertions() if each.file not in {**KNOWN_BY, **SOURCES}]
    for each in blocks:
        found.setdefault(each.file, [])
    brought = {(each.file, line) for each in blocks for line in each.text}
    for each in blocks:
        if (each.file, each.anchor) not in brought and each.anchor not in found[each.file]:
            found[each.file] += ['', each.anchor]
    return {name: '\n'.join([f'The first line of {name}', *lines, '', 'The last one', '']) for name, lines in found.items()}


def make(top: pathlib.Path, edits: Mapping[str, tuple[str, str]] | None = None) -> pathlib.Path:
    """Write the tree, some of its files with text replaced."""
    edits = edits or {}
    texts = {**KNOWN_BY, **SOURCES, **lined()}
    assert set(edits) <= set(texts)
    for name, text in texts.items():
        old, new = edits.get(name, ('', ''))
        assert old in text, f'{name} has no "{old}"'
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text)
    return top


def lacks_spatch() -> str:
    """Why the rules cannot be applied here, or nothing."""
    return '' if shutil.which('spatch') else 'no spatch: "make doctor" says how to get it'


def git(tree: pathlib.Path, *words: str) -> str:
    """What git says, called on a tree by somebody who has configured nothing but a name."""
    env = {**{name: value for name, value in os.environ.items() if not name.startswith('GIT_')},
           'GIT_CONFIG_GLOBAL': '/dev/null', 'GIT_CONFIG_NOSYSTEM': '1'}
    return subprocess.run(['git', '-C', tree, '-c', 'user.name=Tester', '-c', 'user.email=tester@example.org', *words],
                          capture_output=True, text=True, check=True, env=env).stdout.strip()


def commit(tree: pathlib.Path) -> None:
    """Make a git tree of one commit of it."""
    git(tree, 'init', '-q', '-b', 'master')
    git(tree, 'add', '-A', '-f')
    git(tree, 'commit', '-q', '-m', 'a kernel')


@functools.cache
def _made_once() -> 'tempfile.TemporaryDirectory[str]':
    folder = tempfile.TemporaryDirectory()
    top = pathlib.Path(folder.name)
    tree = make(top / 'tree')

    known = functools.partial(semantic.changed, known=top / 'known')

    # The logs go there too. What comes of one file depends on no other one: two of them at a time.
    with mock.patch.multiple(semantic, BUILD=top, changed=known), concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda file: list(states.states(tree, {file}.__contains__)), semantic.files()))
    return folder


def known() -> pathlib.Path:
    """A folder in which what spatch makes of this tree lies already: it is what takes time of all that is done with it."""
    return pathlib.Path(_made_once().name) / 'known'

