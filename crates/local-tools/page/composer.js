// Sends an event: a sample, or one from the history, as it is or edited.

import { get, post } from "./api.js";
import { action, fill, labelled, make } from "./dom.js";
import { indented } from "./format.js";

const FIRST = "payment.succeeded";
const INTRODUCTION = "Choose a sample, edit it as you like, and send it: it is signed as Dodo signs it. Then see what "
  + "became of it, step by step.";

export async function send() {
  const { samples } = await get("samples");
  const option = (name) => make("option", { selected: name === FIRST }, name);
  const select = make("select", { id: "sample" }, samples.map(option));
  const area = body("");
  const trouble = make("p", { class: "bad", role: "alert" });
  const load = async () => {
    fill(trouble);
    // Nothing of the sample before is sent in place of one that cannot be read.
    area.value = "";
    const read = await get(`samples/${select.value}`).catch(({ message }) => fill(trouble, message));
    if (read.event) area.value = indented(JSON.stringify(read.event));
  };
  select.addEventListener("change", load);
  await load();
  return {
    title: "Send",
    content: [
      make("h2", {}, "Send a webhook"),
      make("p", { class: "quiet" }, INTRODUCTION),
      make("p", { class: "bar" }, labelled("Sample", select)),
      trouble,
      ...form(area, {}),
    ],
  };
}

export async function edit(signal, number) {
  const webhook = await get(`webhooks/${number}`);
  return {
    title: `Edit ${webhook.type}`,
    content: [
      make("h2", {}, `Edit ${webhook.type} and send it again`),
      make("p", { class: "bar" }, make("a", { href: `#/webhooks/${number}` }, "Back to the webhook")),
      ...form(body(indented(webhook.body)), { replay_of: Number(number) }, webhook.webhook_id),
    ],
  };
}

/** The text area and what is done with it. With `id`, that can be kept. */
function form(area, more, id) {
  const keepsId = make("input", { type: "checkbox", id: "same-id" });
  const isForged = make("input", { type: "checkbox", id: "forged" });
  const work = async () => {
    const signature = isForged.checked ? { signature: "wrong" } : {};
    const webhook = { body: area.value, id: keepsId.checked ? id : null };
    const { number } = await post("send", { ...webhook, ...signature, ...more });
    location.hash = `#/webhooks/${number}`;
  };
  return [
    area,
    make("p", { class: "bar" },
      action("Sign and send", work, { class: "first", id: "send" }),
      id && make("label", {}, keepsId, " the same webhook-id (Customer.io counts its event once)"),
      make("label", {}, isForged, " with a wrong signature")),
  ];
}

function body(text) {
  const area = make("textarea", { id: "event", "aria-label": "The event, as JSON", spellcheck: "false" });
  area.value = text;
  return area;
}
