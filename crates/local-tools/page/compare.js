// The same event through two transforms, and the difference of their requests.

import { get, onState, post } from "./api.js";
import { difference, fill, fold, json, labelled, link, make, refiller } from "./dom.js";
import { fileCard, rulesNote } from "./transform.js";

export async function show(signal, number) {
  const [left, right] = [select("left"), select("right")];
  const result = make("div", { id: "compared", role: "region", "aria-label": "Difference", "aria-live": "polite" });
  const refill = refiller(result, shown);
  const compare = async () => {
    offer(await get("transforms"), left, right);
    refill(await post("compare", { webhook: Number(number), left: left.value, right: right.value }));
  };
  const trouble = ({ message }) => fill(result, make("p", { class: "note bad" }, message));
  const again = () => compare().catch(trouble);
  for (const it of [left, right]) it.addEventListener("change", again);
  onState(signal, again);
  await again();
  return {
    title: "Compare transforms",
    content: [
      make("h2", {}, "Compare two transforms"),
      make("p", { class: "bar" }, link("Back to the webhook", `#/webhooks/${number}`)),
      make("p", { class: "bar" }, labelled("Left", left), labelled("Right", right)),
      make("p", { class: "quiet" }, "Nothing is sent. Save the file, and the difference follows."),
      result,
    ],
  };
}

const select = (id) => make("select", { id, "data-first": id === "left" ? "built_in" : "current" });

/** The choices of now; what was chosen stays chosen. */
function offer({ choices }, ...selects) {
  for (const it of selects) {
    const chosen = it.value || it.dataset.first;
    fill(it, choices.map(({ id, name }) => make("option", { value: id }, name)));
    it.value = choices.some(({ id }) => id === chosen) ? chosen : choices[0].id;
  }
}

const WITHOUT_LISTS = "With what Dodo's API has said of single objects, but without sums.";

function shown({ left, right, difference: lines, without_lists: isWithout }) {
  return [
    isWithout && make("p", { class: "quiet" }, WITHOUT_LISTS),
    make("p", { class: "quiet" }, "Lines with − are the left request's, with + the right one's."),
    difference("Difference of the requests", lines),
    side("Left", left),
    side("Right", right),
  ];
}

const side = (title, { outcome, reason, message, requests, files, rules }) =>
  make("section", { class: "card", "aria-label": title },
    make("h3", {}, `${title}: ${[outcome, reason].filter(Boolean).join(", ")}`),
    message && make("p", { class: outcome === "failed" ? "bad" : "" }, message),
    rulesNote(rules),
    files.map(fileCard),
    requests.map(({ method, path, body }) => fold(`${method} ${path}`, json(`Request of ${title}`, body))));
