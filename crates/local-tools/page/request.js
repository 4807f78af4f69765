// Requests to Customer.io: each attempt, and what became of each item.

import { attributesTable } from "./changes.js";
import { fold, json, make, table } from "./dom.js";
import { time } from "./format.js";
import { customerIoSaid, items, otherErrors } from "./outcome.js";

/** The attempts in order, and the items of the last one. */
export function requests(all) {
  const last = all.at(-1);
  return [
    table("Attempts", ["attempt", "began after", "took", "status", "meaning"], all.map((it) => [
      `${it.attempt}`,
      `${it.offset} ms`,
      `${it.took} ms`,
      [String(it.status ?? "none"), it.fault && make("span", { class: "bad" }, ` failed on purpose: ${it.fault}`)],
      customerIoSaid(it),
    ])),
    otherErrors(last).map((it) => make("p", { class: "bad" }, it)),
    items(last).map(itemCard),
    fold(last.others ? "Its part of the request" : "The request as it was sent",
      json(`${last.method} ${last.path}`, last.body)),
    last.response && fold("Customer.io's response", json("Customer.io's response", last.response)),
  ];
}

const TONES = { accepted: "good", "no response": "mild" };

function itemCard({ item, errors, verdict }) {
  const who = Object.entries(item.identifiers ?? {}).map(([kind, value]) => `${kind} ${value}`).join(", ");
  const asOf = item.timestamp && [" · as of ", time(item.timestamp * 1000), ` (${item.timestamp})`];
  return make("section", { class: "card", "aria-label": title(item) },
    make("h4", {}, title(item), " ", make("span", { class: `badge ${TONES[verdict] ?? "bad"}` }, verdict)),
    errors.map((it) => make("p", { class: "bad" }, it)),
    make("p", { class: "quiet" }, who, asOf, item.id && ` · id ${item.id}`),
    item.attributes && fold("Attributes", attributesTable(`Attributes of ${title(item)}`, item.attributes)));
}

/** Such as `event "Payment Completed"`. */
const title = ({ type, action, name }) =>
  [type === "object" && "object:", action, name && `"${name}"`].filter(Boolean).join(" ");
