// What the JavaScript files made of an event.

import { difference, fold, json, make } from "./dom.js";

const RESULTS = {
  extended: "changed the built-in request",
  made: "made a request",
  untouched: "left it as it was",
  cancelled: "set webhook.cancel: nothing of it is sent",
  dropped: "returned null: nothing is sent",
  failed: "failed",
};

/** One file's part. */
export const fileCard = (file) => make("section", { class: "card", "aria-label": file.file },
  make("h4", {}, make("code", {}, `${file.file}: ${file.kind}`), ` ${RESULTS[file.result] ?? file.result}`,
    file.cpu_ms !== null && file.cpu_ms !== undefined && make("small", {}, ` in ${file.cpu_ms} ms`)),
  file.error && make("p", { class: "bad" }, file.error),
  list("Repaired", file.repaired),
  list("Came out undefined, perhaps a misspelt field", file.undefined),
  list("Written to the console", file.console),
  file.difference?.length > 0 && difference(`What ${file.file} changed`, file.difference),
  file.made && fold("What it made", json(`What ${file.file} made`, file.made)));

const list = (title, lines) => lines?.length > 0 && [
  make("p", {}, `${title}:`),
  make("ul", {}, lines.map((it) => make("li", {}, make("code", {}, it)))),
];

/** Rules of Customer.io's that a request breaks. */
export const rulesNote = (rules) =>
  rules?.length > 0 && make("div", { class: "note bad" }, list("Customer.io's rules that it breaks", rules));
