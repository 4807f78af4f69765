// Segment's names: "Order Completed", "Order Refunded" and so on, for teams whose campaigns and
// reports speak that language. Other events are left out; people stay as they are.

const NAMES = {
  "payment.succeeded": "Order Completed",
  "payment.failed": "Payment Failed",
  "refund.succeeded": "Order Refunded",
  "subscription.active": "Subscription Started",
  "subscription.renewed": "Subscription Renewed",
  "subscription.plan_changed": "Subscription Changed",
  "subscription.cancelled": "Subscription Cancelled",
};

function properties(a) {
  const all = {
    order_id: a.payment_id,
    subscription_id: a.subscription_id,
    currency: a.currency,
    total: a.payment_amount && Number(a.payment_amount),
    tax: a.tax && Number(a.tax),
    refund: a.refund_id && Number(a.amount),
    recurring: a.subscription_id && a.amount && Number(a.amount),
    plan: a.subscription_id && (a.plan ?? a.product_id),
    products: a.products,
    reason: a.error_code ?? a.reason ?? a.cancellation_feedback,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value != null));
}

function extend(request, webhook) {
  // A charge that only updates a card is no order.
  const name = webhook.payload.data.is_update_payment_method ? undefined : NAMES[webhook.eventType];
  request.batch = request.batch.filter((item) => item.action !== "event" || name);
  for (const item of request.batch) {
    if (item.action === "event") {
      item.name = name;
      item.attributes = properties(item.attributes);
    }
  }
  return request;
}
