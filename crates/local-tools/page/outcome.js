// What a response means, in a colour and in words.

import { make } from "./dom.js";

/** In queue mode `delivery` is what the queue function made of it later. */
export function tone({ status, outcome, delivery }) {
  if ((delivery ?? outcome) === "ignored") return "mild";
  const isWell = status < 300 && !["rejected", "retry"].includes(delivery);
  return isWell ? "good" : "bad";
}

export function badge(webhook) {
  const { status, outcome, delivery } = webhook;
  const words = [outcome ?? "no response", delivery].filter(Boolean).join(", then ");
  return make("span", { class: `badge ${tone(webhook)}` }, `${status} ${words}`);
}

/** What Dodo does with a response. */
export function dodoThen({ status, headers }) {
  if (status < 300) return "Dodo is done with it.";
  if (headers["webhook-delivery"] === "abort-message") {
    return "Dodo does not try again. It keeps the message: replay it in Dodo's dashboard once the cause is fixed.";
  }
  return "Dodo tries again, for 27 hours.";
}

/** What became of each item of a request: `[item, [message…]]`. Customer.io's errors name items by `batch_index`. */
export function items({ body, response }) {
  const errors = response?.errors ?? [];
  const batch = body?.batch ?? (body ? [body] : []);
  return batch.map((item, index) => [item, errors.filter((it) => it.batch_index === index).map(inWords)]);
}

const inWords = ({ field, message, reason }) => [field, message ?? reason].filter(Boolean).join(": ");

/** What a status of Customer.io's means. */
export function customerIoSaid({ status, broken, response }) {
  if (broken) return broken;
  const refused = new Set((response?.errors ?? []).map((it) => it.batch_index)).size;
  if (status === 207 || refused) {
    return `Customer.io took the request (${status}), but refused ${refused} of its items. The others count.`;
  }
  return status < 300 ? "Customer.io took everything." : `Customer.io refused the request (${status}).`;
}
