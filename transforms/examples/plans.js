// The plan's name on every event about a product, and on its person: by your own names for your products.

const PLANS = {
  pdt_J0TWgzBmtFR7RdWJZjad: "Pro",
  // pdt_…: "Team",
};

// The states in which a subscription counts.
const HAS_A_PLAN = ["active", "on_hold", "past_due", "paused"];

function extend(request) {
  for (const { attributes } of request.batch) {
    const { product_id, subscription_product_id, subscription_status } = attributes;
    if (product_id) attributes.plan = PLANS[product_id] ?? product_id;
    // Only a person has these.
    if (subscription_product_id) {
      const plan = PLANS[subscription_product_id] ?? subscription_product_id;
      attributes.plan = HAS_A_PLAN.includes(subscription_status) ? plan : "";
    }
  }
  return request;
}
