/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test bed only, never packaged: gives a current kernel the rule that kernels
 * before 4.20 had, "one address deleted on a device: every conntrack entry
 * masqueraded through that device is flushed". It adds notifiers of its own
 * beside the stock ones, so the headers package is all it needs.
 *
 * As on those kernels, each family's delete leaves the other family alone;
 * the IPv4 flush runs inside the notifier, before the requester's answer; the
 * IPv6 one runs from a work queue, a moment later. What it does not imitate:
 * anything else of an old kernel (its ctnetlink, its hash, its nftables).
 */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>

static int flush_all = 1;
module_param(flush_all, int, 0644);
MODULE_PARM_DESC(flush_all, "1: an address delete flushes the whole device, 0: do nothing");

static unsigned int late_ms;
module_param(late_ms, uint, 0644);
MODULE_PARM_DESC(late_ms, "how much later than the delete the IPv6 flush runs");

static struct workqueue_struct *queue;
static atomic_t due = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(none_due);

struct job {
	struct delayed_work work;
	struct net *net;
	int ifindex;
};

struct masq_key {
	int ifindex;
	u8 family;
};

static int masqueraded_on(struct nf_conn *ct, void *data)
{
	const struct nf_conn_nat *nat = nfct_nat(ct);
	const struct masq_key *k = data;

	return nat && nf_ct_l3num(ct) == k->family && nat->masq_index == k->ifindex;
}

static void flush(struct net *net, int ifindex, u8 family)
{
	struct masq_key k = { ifindex, family };
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
	struct nf_ct_iter_data it = { .net = net, .data = &k };

	nf_ct_iterate_cleanup_net(masqueraded_on, &it);
#else
	nf_ct_iterate_cleanup_net(net, masqueraded_on, &k, 0, 0);
#endif
}

static int ipv4_event(struct notifier_block *nb, unsigned long event, void *p)
{
	struct in_device *in_dev = ((struct in_ifaddr *)p)->ifa_dev;

	if (flush_all && event == NETDEV_DOWN && !in_dev->dead)
		flush(dev_net(in_dev->dev), in_dev->dev->ifindex, NFPROTO_IPV4);
	return NOTIFY_DONE;
}

static void run_job(struct work_struct *w)
{
	struct job *j = container_of(to_delayed_work(w), struct job, work);

	flush(j->net, j->ifindex, NFPROTO_IPV6);
	put_net(j->net);
	kfree(j);
	if (atomic_dec_and_test(&due))
		wake_up_all(&none_due);
}

/* The IPv6 chain is atomic: no table walk here. */
static int ipv6_event(struct notifier_block *nb, unsigned long event, void *p)
{
	struct net_device *dev = ((struct inet6_ifaddr *)p)->idev->dev;
	struct job *j;

	if (!flush_all || event != NETDEV_DOWN)
		return NOTIFY_DONE;
	j = kmalloc(sizeof(*j), GFP_ATOMIC);
	if (!j)
		return NOTIFY_DONE;
	j->net = maybe_get_net(dev_net(dev));
	if (!j->net) {
		kfree(j);
		return NOTIFY_DONE;
	}
	j->ifindex = dev->ifindex;
	atomic_inc(&due);
	INIT_DELAYED_WORK(&j->work, run_job);
	queue_delayed_work(queue, &j->work, msecs_to_jiffies(late_ms));
	return NOTIFY_DONE;
}

/* Writing anything to the parameter "settle" returns when no IPv6 flush is due
 * any more, so that a control test need not guess how long to wait. */
static int settle_set(const char *val, const struct kernel_param *kp)
{
	return wait_event_interruptible(none_due, atomic_read(&due) == 0);
}

static const struct kernel_param_ops settle_ops = { .set = settle_set };
module_param_cb(settle, &settle_ops, NULL, 0200);

static struct notifier_block ipv4_block = { .notifier_call = ipv4_event };
static struct notifier_block ipv6_block = { .notifier_call = ipv6_event };

static int __init oldmasq_init(void)
{
	int r;

	queue = alloc_workqueue("oldmasq", 0, 0);
	if (!queue)
		return -ENOMEM;
	r = register_inetaddr_notifier(&ipv4_block);
	if (r)
		goto no_ipv4;
	r = register_inet6addr_notifier(&ipv6_block);
	if (r)
		goto no_ipv6;
	return 0;

no_ipv6:
	unregister_inetaddr_notifier(&ipv4_block);
no_ipv4:
	destroy_workqueue(queue);
	return r;
}

module_init(oldmasq_init);
/* No exit: a delayed flush may be on its way, and the VM ends anyway. */
MODULE_DESCRIPTION("the MASQUERADE flush of old kernels, for tests");
MODULE_LICENSE("GPL");
