// Keeps the person's `plan` up to date, by your own names for your products, and says when it changes.

const PLANS = {
  pdt_J0TWgzBmtFR7RdWJZjad: "Pro",
  // pdt_…: "Team",
};

// The states in which a subscription counts.
const HAS_A_PLAN = ["active", "on_hold", "past_due", "paused"];

function handler(webhook) {
  const s = webhook.payload.data;
  if (!webhook.eventType.startsWith("subscription.") || !s.customer) return webhook;

  const plan = HAS_A_PLAN.includes(s.status) ? PLANS[s.product_id] ?? s.product_id : "";
  const person = { type: "person", identifiers: { id: s.customer.customer_id } };
  const timestamp = Math.floor(new Date(webhook.payload.timestamp).getTime() / 1000);
  const batch = [
    { ...person, action: "identify", timestamp, attributes: { email: s.customer.email, plan } },
  ];
  if (["subscription.active", "subscription.plan_changed", "subscription.cancelled"].includes(webhook.eventType)) {
    batch.push({ ...person, action: "event", name: "Plan Changed", timestamp, attributes: { plan: plan || "none" } });
  }
  webhook.url = "https://track.customer.io/api/v2/batch";
  webhook.payload = { batch };
  return webhook;
}
