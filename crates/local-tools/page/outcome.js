// What a response means, in a colour and in words.

import { make } from "./dom.js";

/** In queue mode `delivery` is what the queue function made of it later. */
export function tone({ status, outcome, delivery }) {
  if ((delivery ?? outcome) === "ignored") return "mild";
  const isWell = status < 300 && !["rejected", "retry", "lost"].includes(delivery);
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

const UNCHECKED = ["unauthorized", "too_large", "unsupported"];

/** Whether the function has checked the signature and found it right; only then does it read the event. */
export function isVerified({ outcome, reason, requests, lookups }) {
  if (outcome === null) return requests.length > 0 || lookups.length > 0;
  return !UNCHECKED.includes(outcome) && !reason?.startsWith("secret_");
}

/** Customer.io's errors, also in the form of its older paths. */
function errorsOf(response) {
  const { errors, meta } = response ?? {};
  return errors ?? [meta?.errors, meta?.error].flat().filter(Boolean).map((message) => ({ message }));
}

/** What became of a request as a whole, as the function reads it (src/customerio/response.rs). */
export function verdict({ status, response, changes }) {
  if (status === null) return changes ? "no response" : "not taken";
  const errors = errorsOf(response);
  if (status < 300) return response === null ? "no response" : errors.length > 0 ? "partly" : "accepted";
  return status === 413 || (status === 400 && errors.length > 0) ? "refused" : "not taken";
}

const SAID = {
  accepted: () => "Customer.io took everything.",
  refused: ({ status }) => `Customer.io refused the whole request for good (${status}).`,
  "not taken": ({ status, broken }) => broken
    ? `${broken} Customer.io did nothing of it.`
    : `Customer.io took nothing of it (${status}).`,
  "no response": ({ status, broken }) => broken
    ? `${broken} Customer.io had the request all the same: what it did is under "What changed".`
    : `What came back (${status}) is not Customer.io's, so it says nothing about the items.`,
  partly({ status, response }) {
    const refused = new Set(errorsOf(response).map((it) => it.batch_index)).size;
    return `Customer.io took the request (${status}), but refused ${refused} of its items. The others count.`;
  },
};

/** What a response of Customer.io's means. */
export const customerIoSaid = (request) => SAID[verdict(request)](request);

/** What became of each item: `{item, verdict, errors}`. Customer.io's errors name items by `batch_index`. */
export function items(request) {
  const { body, response } = request;
  const whole = verdict(request);
  const batch = body?.batch ?? (body ? [body] : []);
  return batch.map((item, index) => {
    const errors = errorsOf(response).filter((it) => it.batch_index === index).map(inWords);
    const own = errors.length > 0 ? "refused" : "accepted";
    return { item, errors, verdict: whole === "partly" ? own : whole };
  });
}

/** Errors about no single item. */
export const otherErrors = ({ response }) =>
  errorsOf(response).filter((it) => !Number.isInteger(it.batch_index)).map(inWords);

const inWords = ({ field, message, reason }) => [field, message ?? reason].filter(Boolean).join(": ");
