// Lets services fail on purpose, so that everything in the troubleshooting page can be seen happening.

import { get, onState, post } from "./api.js";
import { action, fill, make } from "./dom.js";

export const SERVICES = {
  customerio: "Customer.io",
  dodo_api: "Dodo's API",
  secrets_manager: "Secrets Manager",
  rotation: "Rotated keys",
};

const INTRODUCTION = "Switch one on, send a webhook or replay one, and see what the function does. The reason in "
  + "brackets is the one in docs/troubleshooting.md.";
const NO_KEY = "It is asked only if there is a dodo_api_key: make dev KEY=1";
const RESTART = "A secret that was read serves for five minutes. Restart the function to let it read the secret again.";

export async function show(signal) {
  const content = make("div", { id: "faults" });
  const draw = (faults) => {
    const focused = content.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    fill(content, services(faults, draw));
    if (focused) content.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
  onState(signal, async () => draw(await get("faults")));
  draw(await get("faults"));
  return {
    title: "Failures",
    content: [
      make("h2", {}, "Failures"),
      make("p", {}, INTRODUCTION),
      make("p", { class: "bar" },
        action("All well again", async () => draw(await post("faults/clear")), { id: "well" }),
        action("Restart the function", () => post("function/restart"), { id: "restart" })),
      make("p", { class: "quiet" }, RESTART),
      content,
    ],
  };
}

const services = ({ faults, active }, draw) => Object.entries(SERVICES).map(([service, name]) => {
  const own = faults.filter((it) => it.service === service);
  return own.length > 0 && make("section", { "aria-label": name },
    make("h3", {}, name),
    service === "dodo_api" && make("p", { class: "quiet" }, NO_KEY),
    own.map((fault) => card(fault, active.find(({ id }) => id === fault.id), draw)));
});

function card(fault, active, draw) {
  const begin = (text, times) => {
    const work = async () => draw(await post("faults", { id: fault.id, times }));
    return action(text, work, { "aria-label": `${text}: ${fault.name}` });
  };
  const left = active?.times ? `, ${active.times} more` : "";
  return make("article", { class: "card", id: fault.id },
    make("h4", {}, fault.name,
      fault.shows && make("small", {}, ` (${fault.shows})`),
      active && make("span", { class: "badge bad" }, ` on${left}`)),
    make("p", {}, fault.what),
    make("p", { class: "bar" }, fault.service === "rotation"
      ? begin("Rotate", null)
      : [begin("Next request", 1), begin("Until it is well again", null)]));
}
