"""The event types that Dodo documents, as in src/transform/built_in/event_types.rs; a release has no sources."""

import difflib

EVENT_TYPES = (
    "abandoned_checkout.detected",
    "abandoned_checkout.recovered",
    "credit.added",
    "credit.balance_low",
    "credit.deducted",
    "credit.expired",
    "credit.manual_adjustment",
    "credit.overage_charged",
    "credit.overage_reset",
    "credit.rolled_over",
    "credit.rollover_forfeited",
    "dispute.accepted",
    "dispute.cancelled",
    "dispute.challenged",
    "dispute.expired",
    "dispute.lost",
    "dispute.opened",
    "dispute.won",
    "dunning.recovered",
    "dunning.started",
    "entitlement_grant.created",
    "entitlement_grant.delivered",
    "entitlement_grant.failed",
    "entitlement_grant.revoked",
    "invoice.finalized",
    "invoice.marked_uncollectable",
    "invoice.paid",
    "invoice.past_due",
    "invoice.payment_failed",
    "invoice.reopened",
    "invoice.sent",
    "invoice.voided",
    "license_key.created",
    "payment.cancelled",
    "payment.failed",
    "payment.processing",
    "payment.succeeded",
    "payout.created",
    "payout.failed",
    "payout.in_progress",
    "payout.on_hold",
    "payout.success",
    "refund.failed",
    "refund.succeeded",
    "subscription.active",
    "subscription.cancelled",
    "subscription.expired",
    "subscription.failed",
    "subscription.on_hold",
    "subscription.past_due",
    "subscription.paused",
    "subscription.plan_changed",
    "subscription.renewed",
    "subscription.unpaused",
    "subscription.update_payment_method",
    "subscription.updated",
)


def beginning_with(pattern):
    """The types that `payment.*` stands for."""
    return [it for it in EVENT_TYPES if it.startswith(pattern.removesuffix("*"))] if pattern.endswith("*") else []


def nearest(name):
    """The known type that is most like a name."""
    return max(EVENT_TYPES, key=lambda known: difflib.SequenceMatcher(None, name, known).ratio())
