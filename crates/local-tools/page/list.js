// The list of webhooks: search, keyboard, and what is new.

import { get, onState, post } from "./api.js";
import { at, fill, make } from "./dom.js";
import { time } from "./format.js";
import { badge } from "./outcome.js";

/** How many rows are shown at first, and how many more at a time. */
const ROWS = 200;

const filter = at("filter").elements;
let limit = ROWS;
/** The newest number announced. */
let announced = null;

export function start() {
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  // Who types sees it at once; what a program chooses is only a change.
  for (const kind of ["input", "change"]) at("filter").addEventListener(kind, () => show(ROWS));
  at("more").addEventListener("click", () => show(limit + ROWS));
  at("clear").addEventListener("click", clear);
  document.addEventListener("keydown", onKey);
  onState(undefined, refresh);
}

function show(rows) {
  limit = rows;
  refresh();
}

let isRefreshing = false;
let isStale = false;

/** One request at a time; what changes meanwhile is fetched afterwards. */
async function refresh() {
  isStale = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isStale) {
    isStale = false;
    await get("webhooks", { ...wanted(), limit }).then(draw, () => {});
  }
  isRefreshing = false;
}

const wanted = () =>
  Object.fromEntries(["text", "person", "type", "outcome"].map((name) => [name, filter[name].value.trim()]));

function draw({ webhooks, total, matching, types, outcomes }) {
  announce(webhooks);
  options(filter.type, types);
  options(filter.outcome, outcomes);
  const found = matching === total ? "" : `${matching} of `;
  fill(at("count"), total ? `${found}${total} ${total === 1 ? "webhook" : "webhooks"}` : "No webhooks yet.");
  at("more").hidden = webhooks.length >= matching;
  rows(webhooks);
  markOpened();
}

/** Keeps the rows that are as they were, and the focus in them. */
function rows(webhooks) {
  const focused = document.activeElement;
  const old = new Map([...at("webhooks").children].map((it) => [it.dataset.is, it]));
  fill(at("webhooks"), webhooks.map((webhook) => old.get(JSON.stringify(webhook)) ?? row(webhook)));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function row(webhook) {
  const { number, at: moment, type, people, message, repeated, replay_of: original } = webhook;
  const remarks = [original && `replay of ${original}`, repeated && "counted before", message];
  const more = remarks.filter(Boolean).join(" · ");
  const content = [
    make("strong", {}, type), " ", badge(webhook), " ",
    make("span", {}, people.at(-1) ?? "nobody"), " ", time(moment, { isShort: true }), " ",
    more && make("span", { class: "quiet message", title: more }, more),
  ];
  return make("li", { "data-is": JSON.stringify(webhook) }, make("a", { href: `#/webhooks/${number}` }, content));
}

function options(select, names) {
  const value = select.value;
  if (select.options.length - 1 === names.length) return;
  fill(select, select.options[0], names.map((it) => make("option", {}, it)));
  select.value = value;
}

/** For those who do not see the list grow. */
function announce(webhooks) {
  const newest = webhooks[0];
  if (newest && announced !== null && newest.number > announced) {
    fill(at("news"), `New webhook: ${newest.type}, ${newest.outcome ?? "no response"}`);
  }
  announced = Math.max(announced ?? 0, newest?.number ?? 0);
}

async function clear() {
  if (!window.confirm("Forget all webhooks, and all that the local Customer.io knows?")) return;
  await post("history/clear").catch((error) => window.alert(error.message));
  announced = null;
  location.hash = "#/";
}

/** The opened webhook is marked, also after another was opened. */
export function markOpened() {
  for (const it of at("webhooks").querySelectorAll("[aria-current]")) it.removeAttribute("aria-current");
  rowLink(location.hash)?.setAttribute("aria-current", "true");
}

/** The focus goes back to the webhook that was opened. */
export const returnFrom = (hash) => rowLink(hash)?.focus();

function rowLink(hash) {
  const [opened] = /^#\/webhooks\/\d+/.exec(hash) ?? [];
  return opened && at("webhooks").querySelector(`a[href="${opened}"]`);
}

const CONTROLS = "input, select, textarea";
const STEPS = { j: "next", ArrowDown: "next", k: "previous", ArrowUp: "previous" };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") back(event.target);
  else if (event.target.matches(CONTROLS)) return;
  else if (event.key === "/") filter.text.focus();
  else if (STEPS[event.key] && mayMove(event)) step(STEPS[event.key]);
  else return;
  event.preventDefault();
}

/** The arrows scroll what was opened; in the list they move. */
const mayMove = ({ key, target }) => !key.startsWith("Arrow") || !at("view").contains(target);

function step(direction) {
  const links = at("webhooks");
  const from = links.contains(document.activeElement) ? document.activeElement : links.querySelector("[aria-current]");
  const item = from ? from.parentElement[`${direction}ElementSibling`] : links.firstElementChild;
  item?.firstElementChild.focus();
}

/** Out of a control, then out of what was opened. */
function back(from) {
  if (from.matches(CONTROLS)) from.blur();
  else location.hash = "#/";
}
