// The page: which view is shown, and what holds for all of them.

import { follow, onState, state } from "./api.js";
import * as compare from "./compare.js";
import * as composer from "./composer.js";
import { at, fill, link, make } from "./dom.js";
import * as failures from "./failures.js";
import * as keep from "./keep.js";
import * as list from "./list.js";
import * as people from "./people.js";
import * as webhook from "./webhook.js";

/** Each view takes what its path names and a signal that ends it, and gives a title and the elements. */
const VIEWS = [
  [/^\/$/, composer.send],
  [/^\/send$/, composer.send],
  [/^\/webhooks\/(\d+)$/, webhook.show],
  [/^\/webhooks\/(\d+)\/edit$/, composer.edit],
  [/^\/webhooks\/(\d+)\/compare$/, compare.show],
  [/^\/webhooks\/(\d+)\/keep$/, keep.show],
  [/^\/people$/, people.all],
  [/^\/people\/([^/]+)$/, people.one],
  [/^\/failures$/, failures.show],
];

let shown = new AbortController();

/** Shows what the address names; `from` is what was shown before. */
async function route(from) {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const path = location.hash.slice(1) || "/";
  document.body.dataset.view = path === "/" ? "list" : "opened";
  markLink(path);
  list.markOpened();
  fill(at("view"));
  const { title, content } = await view(path, signal);
  if (signal.aborted) return;
  document.title = `${title} – dodo-customerio on this machine`;
  fill(at("view"), content);
  if (path === "/") list.returnFrom(from);
  else at("view").focus({ preventScroll: true });
  at("view").scrollTop = 0;
}

async function view(path, signal) {
  for (const [pattern, show] of VIEWS) {
    const match = pattern.exec(path);
    if (match) return show(signal, ...match.slice(1)).catch(trouble);
  }
  return trouble(new Error("There is no such view."));
}

const trouble = (error) => ({ title: "Not found", content: note("bad", error.message) });

function markLink(path) {
  const first = `#/${path.split("/")[1].replace("webhooks", "")}`;
  for (const it of document.querySelectorAll("nav a")) {
    if (it.getAttribute("href") === first) it.setAttribute("aria-current", "page");
    else it.removeAttribute("aria-current");
  }
}

/** How long a webhook is on its way before it is worth a word, in milliseconds. */
const SLOW = 700;
let slow;

function showState() {
  clearTimeout(slow);
  draw(state, []);
  if (state.in_progress.length > 0) slow = setTimeout(draw, SLOW, state, state.in_progress);
}

/** What the function runs with, what is wrong, and what is `running`. */
function draw({ function: it, faults }, running) {
  const settings = Object.entries(it.settings).map(([name, value]) => `${name}=${value}`);
  const key = it.key ? "with dodo_api_key" : "without dodo_api_key";
  fill(at("about"), [it.transform ?? "built-in transform", ...settings, key, it.url].join(" · "));
  const active = Object.entries(faults).filter(([, fault]) => fault);
  const failing = active.map(([service, fault]) => `${failures.SERVICES[service]}: ${fault}`);
  fill(at("alerts"), [
    it.problem && note("bad", "The changed file cannot be used; the last good one runs. ", it.problem),
    failing.length > 0 && note("bad", `Failing on purpose: ${failing.join(", ")}. `, link("Failures", "#/failures")),
    running.map(({ type }) => note("", `On its way: ${type}`)),
  ]);
}

const note = (tone, ...content) => make("p", { class: `note ${tone}` }, content);

/** The system's choice until somebody chooses. */
function theme() {
  const root = document.documentElement;
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;
  at("theme").addEventListener("click", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
}

theme();
list.start();
onState(undefined, showState);
window.addEventListener("hashchange", ({ oldURL }) => route(new URL(oldURL).hash));
route("");
follow((error) => error && fill(at("alerts"), note("bad", error.message)));
