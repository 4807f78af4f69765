// Only what has gone wrong, with a reason under one name: for a workspace that does dunning and nothing
// else. (The setting EVENTS leaves events out too, but still keeps the people up to date.)

const FAILURES = [
  "payment.failed",
  "subscription.on_hold",
  "subscription.past_due",
  "subscription.failed",
  "dunning.started",
  "abandoned_checkout.detected",
];

function extend(request, webhook) {
  if (!FAILURES.includes(webhook.eventType)) return null;

  const d = webhook.payload.data;
  for (const item of request.batch) {
    if (item.action === "event") {
      item.attributes.reason = d.error_code ?? d.abandonment_reason ?? d.trigger_state ?? d.status ?? "unknown";
    }
  }
  return request;
}
