// An opened webhook: each step that it went through, in order.

import { get, onState, post } from "./api.js";
import { changed } from "./changes.js";
import { action, fold, json, link, make, pre, refiller, table } from "./dom.js";
import { indented, moment } from "./format.js";
import { mailCard } from "./mail.js";
import { badge, dodoThen, isVerified, tone, verdict } from "./outcome.js";
import { requests } from "./request.js";
import { fileCard, rulesNote } from "./transform.js";

const WITHOUT_LOOKUPS = "These steps are shown without what the lookups brought.";

/** Each gives what its step is called, its tone and what is to be seen, or nothing if there was no such step. */
const STEPS = [arrived, verified, who, lookups, transformed, sent, responded, whatChanged, mails];

export async function show(signal, number) {
  const content = make("div", { class: "stack", id: "opened" });
  const refill = refiller(content, shown);
  const draw = async () => {
    const webhook = await get(`webhooks/${number}`);
    refill(webhook);
    return webhook;
  };
  // In queue mode the queue function takes it later.
  onState(signal, () => draw().catch(() => {}));
  const { type } = await draw();
  return { title: type, content };
}

const shown = (webhook) => [
  make("h2", {}, `${webhook.type} `, badge(webhook)),
  summary(webhook),
  actions(webhook),
  make("ol", { class: "steps" }, STEPS.map((it) => step(it(webhook)))),
];

/** Why it was not delivered, and what to do. */
function summary({ message, explanation, ...webhook }) {
  const why = message ?? explanation?.why;
  return why && make("div", { class: `note ${tone(webhook)}` },
    make("p", {}, why),
    explanation?.advice && make("p", {}, make("strong", {}, "What to do: "), explanation.advice));
}

function step(given) {
  if (!given) return null;
  const [title, itsTone, ...content] = given;
  return make("li", { class: itsTone }, make("h3", {}, title), content);
}

const RETRY = "The same bytes and webhook-id, signed as of now, as Dodo retries";
const EXACT = "Also the old signature and timestamp, as somebody would who kept a copy";

function actions({ number }) {
  const replay = (how) => async () => {
    const { number: again } = await post(`webhooks/${number}/replay`, { how });
    location.hash = `#/webhooks/${again}`;
  };
  const more = [["Edit and send again", "edit"], ["Compare transforms", "compare"], ["Keep as a sample", "keep"]];
  return make("p", { class: "bar" },
    action("Replay", replay("retry"), { class: "first", id: "replay", title: RETRY }),
    action("Replay an exact copy", replay("exact"), { title: EXACT }),
    more.map(([text, path]) => link(text, `#/webhooks/${number}/${path}`, { class: "button" })));
}

function arrived({ at, took, webhook_id: id, headers, body, replay_of: original }) {
  return [
    "Arrived", "good",
    make("p", {}, moment(at), " ", make("code", { class: "quiet" }, at), ` · handled in ${took} ms`),
    make("p", {}, make("code", {}, id)),
    original && make("p", {}, "A replay of ", link(`webhook ${original}`, `#/webhooks/${original}`), "."),
    fold("Headers", table("Headers", ["header", "value"], Object.entries(headers))),
    fold("Body", pre("Body", indented(body))),
  ];
}

function verified(webhook) {
  const { outcome, message, secrets } = webhook;
  const isGood = isVerified(webhook);
  const reads = secrets.map(({ status, took, fault }) =>
    make("p", { class: status === 200 ? "quiet" : "bad" },
      `The secret was read: ${said(status, took, fault)}.`));
  const trouble = outcome === "unauthorized" ? message : `It was not checked. ${message ?? NO_RESPONSE}`;
  return [
    "Signature", isGood ? "good" : "bad",
    make("p", {}, isGood ? "Signed with the endpoint's secret, over these very bytes." : trouble),
    reads,
  ];
}

const NO_RESPONSE = "Or nobody knows: the function did not respond.";

/** Where no person is named. */
function nobody({ outcome, delivery, reason, transform }) {
  if (delivery === "lost" || [outcome, delivery].includes("retry")) return "Not known yet";
  if (outcome === "queued" && !delivery) return "Not known yet";
  const isUnknown = (reason ?? transform.reason ?? "").startsWith("no_");
  return isUnknown ? "Nobody that can be named" : "Nobody was chosen, since nothing was to be sent";
}

function who(webhook) {
  const { person, explanation } = webhook;
  if (!isVerified(webhook)) return null;
  const [named] = Object.entries(person.identifier ?? {});
  return [
    "Who it is about", named ? "good" : "mild",
    make("p", {}, make("strong", {}, named ? named.join(" ") : nobody(webhook))),
    make("p", {}, person.why),
    person.advice && person.advice !== explanation?.advice && make("p", { class: "note" }, person.advice),
  ];
}

const NO_KEY = "There is no dodo_api_key, so Dodo's API is asked nothing. With one: make dev KEY=1";
const HOLDS_BACK = "No request reached Dodo's API. After a failure the function holds back for a while.";
const NOT_ASKED = "Dodo's API was asked nothing: the event has what it needs, or the function remembers it, or "
  + "holds back after a failure.";

function lookups(webhook) {
  const { lookups: direct, deliveries, reason, outcome, delivery, has_key: hasKey } = webhook;
  if (!isVerified(webhook)) return null;
  const all = [...direct, ...deliveries.flatMap((it) => it.lookups ?? [])];
  const isWaiting = outcome === "queued" && !delivery;
  const asked = reason?.startsWith("dodo_") ? HOLDS_BACK : isWaiting ? "The queue function asks." : NOT_ASKED;
  const isWell = all.every(({ status }) => status !== null && (status < 400 || status === 404));
  return [
    "Lookups at Dodo", isWell ? "good" : "bad",
    all.length === 0 && make("p", { class: "quiet" }, hasKey ? asked : NO_KEY),
    all.map(({ method, path, status, took, fault, response }) =>
      fold(`${method} ${path}: ${said(status, took, fault)}`, json(path, response))),
  ];
}

const said = (status, took, fault) =>
  `${status ?? "no response"} in ${took} ms${fault ? `, failed on purpose: ${fault}` : ""}`;

const NOT_RUN = "It has not run: the event waits for Dodo's API.";

function transformed(webhook) {
  const { transform, rules, reason } = webhook;
  if (!isVerified(webhook)) return null;
  const { name, built_in: builtIn, files, outcome, without_lookups: isWithout } = transform;
  const isSent = outcome === "sent" || allRequests(webhook).length > 0;
  if (reason?.startsWith("dodo_")) return ["Transform", "mild", make("p", {}, NOT_RUN)];
  return [
    "Transform", files.some(({ error }) => error) ? "bad" : "good",
    make("p", {}, name ? make("code", {}, name) : `The built-in transform made ${isSent ? "the" : "no"} request.`),
    isWithout && files.length > 0 && make("p", { class: "quiet" }, WITHOUT_LOOKUPS),
    files.map(fileCard),
    builtIn && fold("What the built-in transform made", json("What the built-in transform made", builtIn)),
    rulesNote(rules),
  ];
}

/** In queue mode those of the batches that had it. */
const allRequests = ({ requests: direct, deliveries }) => [...direct, ...deliveries.flatMap((it) => it.requests)];

function sent(webhook) {
  const { deliveries, outcome, delivery } = webhook;
  const all = allRequests(webhook);
  const batch = deliveries.at(-1);
  const others = batch && make("p", { class: "quiet" },
    `In a batch of ${batch.webhooks} from the queue.${batch.webhooks > 1 ? " Here is its own part." : ""}`);
  const isTaken = all.length > 0 && verdict(all.at(-1)) === "accepted";
  if (all.length > 0) return ["Sent to Customer.io", isTaken ? "good" : "bad", others, ...requests(all)];
  if (batch?.is_unclear) return ["Sent to Customer.io", "mild", make("p", {}, UNCLEAR)];
  const words = outcome === "queued" && !delivery ? "It waits in the queue." : "Nothing was sent.";
  return ["Sent to Customer.io", "mild", make("p", {}, words)];
}

const UNCLEAR = "Something was sent in a batch with other webhooks. Which items are this one's cannot be told.";

function responded({ status, outcome, response }) {
  return [
    "Response to Dodo", tone({ status, outcome }),
    make("p", {}, badge({ status, outcome }), " ", dodoThen(response)),
    fold("Response", json("Response", response.body)),
  ];
}

function whatChanged(webhook) {
  const { changes, outcome, delivery } = webhook;
  const content = changed(changes, allRequests(webhook)).flat(Infinity).filter(Boolean);
  if (content.length > 0) return ["What changed", "good", content];
  const words = (delivery ?? outcome) === "delivered" ? "Nothing: Customer.io knew all of it." : "Nothing.";
  return ["What changed", "mild", make("p", { class: "quiet" }, words)];
}

function mails({ mails: all }) {
  return all.length > 0 && [
    "Mails that campaigns could start", "good",
    make("p", { class: "quiet" }, "What the campaigns in docs/campaigns would send, if they ran. Nothing is sent."),
    all.map(mailCard),
  ];
}
