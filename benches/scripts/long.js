// A long handler: a mapping of its own, with many fields. To measure with.

const NAMES = {
  "payment.succeeded": "Order Completed",
  "payment.failed": "Payment Failed",
  "refund.succeeded": "Order Refunded",
  "subscription.active": "Subscription Started",
  "subscription.renewed": "Subscription Renewed",
  "subscription.plan_changed": "Subscription Changed",
  "subscription.cancelled": "Subscription Cancelled",
};

// How many decimals a currency has, where it is not two.
const DECIMALS = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
};

function major(minor, currency) {
  const decimals = DECIMALS[currency] ?? 2;
  return Number((minor / 10 ** decimals).toFixed(decimals));
}

function seconds(date) {
  return Math.floor(new Date(date).getTime() / 1000);
}

function properties(d) {
  const all = {
    order_id: d.payment_id,
    subscription_id: d.subscription_id,
    currency: d.currency,
    total: d.total_amount == null ? undefined : major(d.total_amount, d.currency),
    tax: d.tax == null ? undefined : major(d.tax, d.currency),
    refund: d.refund_id && d.amount != null ? major(d.amount, d.currency) : undefined,
    recurring: d.recurring_pre_tax_amount == null ? undefined : major(d.recurring_pre_tax_amount, d.currency),
    plan: d.subscription_id ? d.product_id : undefined,
    products: d.product_cart?.map((item) => ({ product_id: item.product_id, quantity: item.quantity })),
    reason: d.error_code ?? d.cancellation_feedback,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value != null));
}

function handler(webhook) {
  const name = NAMES[webhook.eventType];
  const customer = webhook.payload.data.customer;
  if (!name || !customer) return webhook;

  const person = { type: "person", identifiers: { id: customer.customer_id } };
  const timestamp = seconds(webhook.payload.timestamp);
  webhook.url = "https://track.customer.io/api/v2/batch";
  webhook.payload = {
    batch: [
      { ...person, action: "identify", timestamp, attributes: { email: customer.email, name: customer.name } },
      { ...person, action: "event", name, timestamp, attributes: properties(webhook.payload.data) },
    ],
  };
  return webhook;
}
