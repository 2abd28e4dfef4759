// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds that drive a GSI, and those that are signalled when the guest acknowledged it.
 *
 * KVM's ABI: KVM_IRQFD with KVM_IRQFD_FLAG_RESAMPLE. The interrupt is raised straight from the
 * eventfd's wait queue, because routes work in any context. An irqfd whose GSI is a message, as
 * those of virtio and of assigned devices are, remembers its route, so that nothing is looked up.
 *
 * Life: an irqfd is on vm->irqfds from its creation until its shutdown work took it off the
 * eventfd's wait queue. What makes it go (KVM_IRQFD_FLAG_DEASSIGN, the last close of the
 * eventfd, the end of the VM) marks it and queues that work, both under one lock; the end of
 * the VM waits for the works. So no wake-up and no work can outlive the VM, and an irqfd needs
 * no reference to it.
 */
#define pr_fmt(fmt) "minikvm: " fmt

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "trace/minikvm_events.h"
#include "virt/arch.h"
#include "virt/irq_bypass.h"
#include "virt/irq_routing.h"
#include "virt/irqfd.h"

/* All irqfds that resample one GSI: a line that each of them holds up until the guest's EOI. */
struct resampler {
	struct mkvm_ack_notifier notifier;
	struct list_head irqfds;	/* under vm->irq_lock, read under vm->srcu */
};

struct mkvm_irqfd {
	struct mkvm_vm *vm;
	struct eventfd_ctx *eventfd;
	u32 gsi;
	bool dying;			/* under dying_lock */
	struct mkvm_route __rcu *message;	/* what the GSI is, under vm->srcu; NULL: a pin */
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct shutdown;
	struct list_head list;		/* vm->irqfds, under vm->irq_lock */
	struct mkvm_irq_bypass bypass;	/* not of those that resample */
	struct resampler *resampler;	/* NULL: each write to the eventfd is one edge */
	struct eventfd_ctx *resamplefd;
	struct list_head resampler_link;
};

static struct workqueue_struct *shutdown_wq;
static DEFINE_SPINLOCK(dying_lock);

/* Not a message: a line, which goes up until the guest's EOI, or up and down. */
static noinline void drive_line(struct mkvm_irqfd *irqfd)
{
	if (irqfd->resampler) {
		mkvm_set_irq(irqfd->vm, MKVM_IRQFD_RESAMPLE_SOURCE, irqfd->gsi, 1);
	} else {
		mkvm_set_irq(irqfd->vm, MKVM_USERSPACE_IRQ_SOURCE, irqfd->gsi, 1);
		mkvm_set_irq(irqfd->vm, MKVM_USERSPACE_IRQ_SOURCE, irqfd->gsi, 0);
	}
}

static void irqfd_inject(struct mkvm_irqfd *irqfd)
{
	struct mkvm_vm *vm = irqfd->vm;
	int idx = srcu_read_lock(&vm->srcu);
	struct mkvm_route *message = srcu_dereference(irqfd->message, &vm->srcu);

	trace_minikvm_irqfd(vm->number, irqfd->gsi);
	if (likely(message))
		message->set(message, vm, MKVM_USERSPACE_IRQ_SOURCE, 1);
	srcu_read_unlock(&vm->srcu, idx);
	if (unlikely(!message))
		drive_line(irqfd);
}

/* The routes changed, or @irqfd is new. vm->irq_lock held, and the old table not freed yet. */
static void irqfd_reroute(struct mkvm_irqfd *irqfd)
{
	if (!irqfd->resampler)
		rcu_assign_pointer(irqfd->message, mkvm_message_of_gsi(irqfd->vm, irqfd->gsi));
	mkvm_irq_bypass_update(&irqfd->bypass);
}

/* The guest acknowledged: the line goes down, and irqfds that still need it raise it again. */
static void resampler_acked(struct mkvm_ack_notifier *notifier, struct mkvm_vm *vm)
{
	struct resampler *r = container_of(notifier, struct resampler, notifier);
	struct mkvm_irqfd *irqfd;

	mkvm_set_irq(vm, MKVM_IRQFD_RESAMPLE_SOURCE, notifier->gsi, 0);
	list_for_each_entry_srcu(irqfd, &r->irqfds, resampler_link,
				 srcu_read_lock_held(&vm->srcu))
		compat_eventfd_signal(irqfd->resamplefd);
}

/* vm->irq_lock held. */
static struct resampler *resampler_find(struct mkvm_vm *vm, u32 gsi)
{
	struct mkvm_irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds, list)
		if (irqfd->resampler && irqfd->gsi == gsi)
			return irqfd->resampler;
	return NULL;
}

/* vm->irq_lock held; @irqfd is not on vm->irqfds yet. */
static int resampler_join(struct mkvm_irqfd *irqfd)
{
	struct mkvm_vm *vm = irqfd->vm;
	struct resampler *r = resampler_find(vm, irqfd->gsi);

	if (!r) {
		r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
		if (!r)
			return -ENOMEM;
		INIT_LIST_HEAD(&r->irqfds);
		r->notifier.gsi = irqfd->gsi;
		r->notifier.acked = resampler_acked;
		mkvm_register_ack_notifier(vm, &r->notifier);
		arch_irq_routing_changed(vm);
	}
	irqfd->resampler = r;
	list_add_rcu(&irqfd->resampler_link, &r->irqfds);
	return 0;
}

/* vm->irq_lock held; no wake-up of @irqfd can come any more. */
static void resampler_leave(struct mkvm_irqfd *irqfd)
{
	struct resampler *r = irqfd->resampler;
	struct mkvm_vm *vm = irqfd->vm;

	list_del_rcu(&irqfd->resampler_link);
	if (list_empty(&r->irqfds)) {
		mkvm_unregister_ack_notifier(vm, &r->notifier);
		arch_irq_routing_changed(vm);
		/* No irqfd is left that would take the line down at the guest's next EOI. */
		mkvm_set_irq(vm, MKVM_IRQFD_RESAMPLE_SOURCE, irqfd->gsi, 0);
		kfree(r);
	} else {
		synchronize_srcu_expedited(&vm->srcu);
	}
}

static void irqfd_free(struct mkvm_irqfd *irqfd)
{
	if (!IS_ERR_OR_NULL(irqfd->resamplefd))
		eventfd_ctx_put(irqfd->resamplefd);
	if (!IS_ERR_OR_NULL(irqfd->eventfd))
		eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

static void irqfd_shutdown(struct work_struct *work)
{
	struct mkvm_irqfd *irqfd = container_of(work, struct mkvm_irqfd, shutdown);
	struct mkvm_vm *vm = irqfd->vm;
	u64 count;

	/* First: an interrupt that does not bypass the host any more still needs the irqfd. */
	mkvm_irq_bypass_unregister(&irqfd->bypass);
	/* What queued this work may still use the irqfd, but only under irq_lock. */
	mutex_lock(&vm->irq_lock);
	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	list_del(&irqfd->list);
	if (irqfd->resampler)
		resampler_leave(irqfd);
	mutex_unlock(&vm->irq_lock);
	irqfd_free(irqfd);
}

/* Queue the end of @irqfd, at most once. Any context; irq_lock keeps the work from freeing it. */
static void irqfd_deactivate(struct mkvm_irqfd *irqfd)
{
	unsigned long flags;

	spin_lock_irqsave(&dying_lock, flags);
	if (!irqfd->dying) {
		irqfd->dying = true;
		queue_work(shutdown_wq, &irqfd->shutdown);
	}
	spin_unlock_irqrestore(&dying_lock, flags);
}

/* Under the eventfd's wait-queue lock, interrupts off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct mkvm_irqfd *irqfd = container_of(wait, struct mkvm_irqfd, wait);
	__poll_t events = key_to_poll(key);
	int taken = 0;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		irqfd_inject(irqfd);
		taken = 1;
	}
	if (events & EPOLLHUP)
		irqfd_deactivate(irqfd);
	return taken;
}

static void irqfd_queue_wait(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	struct mkvm_irqfd *irqfd = container_of(poll, struct mkvm_irqfd, poll);

	add_wait_queue_priority(head, &irqfd->wait);
}

/* vm->irq_lock held. */
static int irqfd_attach(struct mkvm_irqfd *irqfd, struct file *file, bool resample)
{
	struct mkvm_vm *vm = irqfd->vm;
	struct mkvm_irqfd *other;
	int err;

	list_for_each_entry(other, &vm->irqfds, list) {
		if (other->eventfd == irqfd->eventfd) {
			mkvm_refuse(vm, "KVM_IRQFD: this eventfd drives GSI %u already",
				    other->gsi);
			return -EBUSY;
		}
	}
	if (resample) {
		err = resampler_join(irqfd);
		if (err)
			return err;
	}
	list_add_tail(&irqfd->list, &vm->irqfds);
	/* Also for its bypass: the routes may have changed since that was registered. */
	irqfd_reroute(irqfd);
	/* What was signalled before counts; the read is left to the next write. */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		irqfd_inject(irqfd);
	return 0;
}

static int irqfd_assign(struct mkvm_vm *vm, const struct kvm_irqfd *args)
{
	bool resample = args->flags & KVM_IRQFD_FLAG_RESAMPLE;
	struct mkvm_irqfd *irqfd;
	struct file *file;
	int err;

	if (!arch_irqfd_allowed(vm, resample)) {
		mkvm_refuse(vm, "KVM_IRQFD: there are no interrupt controllers in the kernel%s",
			    resample ? " that have pins to resample" : "");
		return -EINVAL;
	}
	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->poll, irqfd_queue_wait);

	file = fget(args->fd);
	if (!file) {
		mkvm_refuse(vm, "KVM_IRQFD: descriptor %d is not open", args->fd);
		kfree(irqfd);
		return -EBADF;
	}
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd)) {
		mkvm_refuse(vm, "KVM_IRQFD: descriptor %d is no eventfd", args->fd);
		err = PTR_ERR(irqfd->eventfd);
		goto fail;
	}
	if (resample) {
		irqfd->resamplefd = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(irqfd->resamplefd)) {
			mkvm_refuse(vm, "KVM_IRQFD: resamplefd: descriptor %d is no eventfd",
				    args->resamplefd);
			err = PTR_ERR(irqfd->resamplefd);
			goto fail;
		}
	}
	/* Before it is attached: from then on it may end at any time. */
	if (!resample)
		mkvm_irq_bypass_register(&irqfd->bypass, vm, args->gsi, irqfd->eventfd);
	mutex_lock(&vm->irq_lock);
	err = irqfd_attach(irqfd, file, resample);
	mutex_unlock(&vm->irq_lock);
	if (err)
		goto fail_bypass;
	/* This may be the last reference to the eventfd: then the irqfd ends right here. */
	fput(file);
	return 0;
fail_bypass:
	mkvm_irq_bypass_unregister(&irqfd->bypass);
fail:
	irqfd_free(irqfd);
	fput(file);
	return err;
}

static int irqfd_deassign(struct mkvm_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct mkvm_irqfd *irqfd;

	if (IS_ERR(eventfd)) {
		mkvm_refuse(vm, "KVM_IRQFD: descriptor %d is no eventfd", args->fd);
		return PTR_ERR(eventfd);
	}
	mutex_lock(&vm->irq_lock);
	list_for_each_entry(irqfd, &vm->irqfds, list)
		if (irqfd->eventfd == eventfd && irqfd->gsi == args->gsi)
			irqfd_deactivate(irqfd);
	mutex_unlock(&vm->irq_lock);
	eventfd_ctx_put(eventfd);
	/* On return no interrupt comes from the eventfd any more. */
	flush_workqueue(shutdown_wq);
	return 0;
}

/**
 * mkvm_irqfd_ioctl() - KVM_IRQFD
 * @vm: the VM; no lock held
 * @args: in kernel memory
 *
 * Return: 0; -EINVAL for flags, for what is no eventfd, or without an irqchip (resampling
 * needs the full one); -EBADF; -EBUSY when the eventfd drives a GSI of this VM already;
 * -ENOMEM. Deassigning what is not assigned is no error.
 */
int mkvm_irqfd_ioctl(struct mkvm_vm *vm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE)) {
		mkvm_refuse(vm, "KVM_IRQFD: flags 0x%x, known are 0x%x", args->flags,
			    KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE);
		return -EINVAL;
	}
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	return irqfd_assign(vm, args);
}

/**
 * mkvm_irqfds_rerouted() - irqfds, and what bypasses them, follow a new routing table
 * @vm: the VM; vm->irq_lock held since the table was replaced
 *
 * When it returns no irqfd refers to the old table, but some may still use it under vm->srcu.
 */
void mkvm_irqfds_rerouted(struct mkvm_vm *vm)
{
	struct mkvm_irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds, list)
		irqfd_reroute(irqfd);
}

/**
 * mkvm_irqfds_release() - detach every irqfd of a VM whose descriptor is closed
 * @vm: the VM, on which KVM_IRQFD cannot be called any more; process context
 *
 * To be called before the interrupt controllers are destroyed. Ioeventfds go with the I/O
 * buses (mkvm_io_buses_destroy()).
 */
void mkvm_irqfds_release(struct mkvm_vm *vm)
{
	struct mkvm_irqfd *irqfd;

	mutex_lock(&vm->irq_lock);
	list_for_each_entry(irqfd, &vm->irqfds, list)
		irqfd_deactivate(irqfd);
	mutex_unlock(&vm->irq_lock);
	/* Also those that end because their eventfd was closed. */
	flush_workqueue(shutdown_wq);
}

/**
 * mkvm_irqfd_module_init() - the work queue on which irqfds end
 *
 * Return: 0 or -ENOMEM.
 */
int mkvm_irqfd_module_init(void)
{
	shutdown_wq = alloc_workqueue("minikvm-irqfd", WQ_UNBOUND, 0);
	if (!shutdown_wq)
		return -ENOMEM;
	mkvm_irq_bypass_module_init();
	return 0;
}

/**
 * mkvm_irqfd_module_exit() - undo mkvm_irqfd_module_init(); no VM exists any more
 */
void mkvm_irqfd_module_exit(void)
{
	mkvm_irq_bypass_module_exit();
	destroy_workqueue(shutdown_wq);
}
