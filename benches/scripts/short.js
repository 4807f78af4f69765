// A short handler: a few events, a few fields. To measure with.

const FAILURES = {
  "payment.failed": "Payment Failed",
  "subscription.on_hold": "Subscription On Hold",
  "subscription.past_due": "Subscription Past Due",
  "subscription.failed": "Subscription Failed",
  "dunning.started": "Dunning Started",
  "abandoned_checkout.detected": "Checkout Abandoned",
};

function handler(webhook) {
  const name = FAILURES[webhook.eventType];
  if (!name) return webhook;

  const d = webhook.payload.data;
  webhook.url = "https://track.customer.io/api/v2/entity";
  webhook.payload = {
    type: "person",
    identifiers: { id: d.customer?.customer_id ?? d.customer_id },
    action: "event",
    name,
    attributes: {
      payment_id: d.payment_id ?? "",
      subscription_id: d.subscription_id ?? "",
      reason: d.error_code ?? d.abandonment_reason ?? d.trigger_state ?? d.status ?? "unknown",
      attempt: d.retry_attempt ?? 0,
    },
  };
  return webhook;
}
